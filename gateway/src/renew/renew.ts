// Renews the tokens of one issuer: decides which are due, makes their successors, and retires the old tokens.
import type { Delivery } from './delivery.ts'
import type { Endpoint } from './endpoint.ts'
import type { RenewalOptions } from '../options/issuer/renewal.ts'
import { RenewalRefused } from './renewal-refused.ts'
import { createRetirement, type RetirementEvents } from './retirement.ts'
import { dueSecOf, sessionStartOf, successorOf, successorRulesOf, successorTimes } from './successor.ts'
import type { TokenIssuer } from './signing/token-issuer.ts'
import type { AuthResult, Claims, RenewalState, RenewedToken } from '../authenticate/auth-result.ts'
import type { IssuerRenewal, Renewable } from '../authenticate/renewal.ts'
import { magnitudeOf } from '../message/json/exact-number.ts'
import { Failure } from '../failure.ts'
import type { BlockList } from '../revoke/block-list.ts'

export interface RenewalEvents extends RetirementEvents {
  readonly onMade: () => void
  /** `reason` is for the log and contains no token or claim. */
  readonly onFailed: (reason: string) => void
}

export interface RenewalParts {
  readonly options: Readonly<
    Pick<RenewalOptions, 'strategy' | 'window' | 'grace' | 'overlap' | 'lifetime' | 'maxSession' | 'onReuse' | 'stream'>
  >
  readonly clockToleranceSec: number
  readonly maxTokenBytes: number
  readonly delivery: Pick<Delivery, 'carry'>
  /** Makes successors: by signing them, or by requests to the issuer. */
  readonly maker: TokenIssuer | Endpoint
  /** Verifies a token of this issuer as the gateway would now. */
  readonly verify: (token: string) => AuthResult | Failure
  readonly blockList: Pick<BlockList, 'add' | 'get' | 'find'>
  readonly events: RenewalEvents
}

/** Returns the `typ` of a verified token, which its successor keeps (RFC 7519 section 5.1). */
function typOf(rawToken: string): string {
  const header = Buffer.from(rawToken.slice(0, rawToken.indexOf('.')), 'base64url').toString('utf8')
  return (JSON.parse(header) as { typ?: string }).typ ?? 'JWT'
}

export function createRenewal(parts: RenewalParts): IssuerRenewal {
  const { options, maker, clockToleranceSec, maxTokenBytes, delivery, events } = parts
  const graceSec = options.strategy === 'ahead' ? 0 : (options.grace ?? 0) / 1000
  const rules = successorRulesOf(options)
  const retirement = createRetirement(
    {
      overlapSec: options.overlap / 1000,
      longestRestSec: rules.windowSec + Math.max(graceSec, clockToleranceSec),
      maxSessionSec: rules.maxSessionSec + clockToleranceSec,
      onReuse: options.onReuse,
    },
    parts.blockList,
    events,
  )

  function isRenewable(claims: Claims): boolean {
    return successorTimes(claims, rules) !== undefined
  }
  function sessionEndSecOf(claims: Claims): number {
    return (sessionStartOf(claims) ?? Infinity) + rules.maxSessionSec
  }
  function markImpossible(state: RenewalState, reason: string): void {
    state.impossible = true
    events.onFailed(reason)
  }
  function adopt(state: RenewalState, token: string, verified: AuthResult): void {
    const carried = delivery.carry(token, verified)
    if (typeof carried === 'string') {
      markImpossible(state, `the successor is ${carried}`)
      return
    }
    state.successor = carried
    events.onMade()
  }

  function signSuccessor(issuer: TokenIssuer, { raw, result }: Renewable, state: RenewalState): void {
    const claims = successorOf(result.claims, result.tokenId, rules, (tokenId) => issuer.jtiOf(tokenId))
    try {
      if (claims === undefined) throw new Error('it has none')
      const token = issuer.sign(claims, typOf(raw))
      // A successor is longer than its predecessor, so the token or its auth-result header may exceed a limit.
      const verdict = token.length > maxTokenBytes ? 'longer than limits.tokenBytes' : parts.verify(token)
      if (verdict instanceof Failure) markImpossible(state, `the successor would be refused (${verdict.code})`)
      else if (typeof verdict === 'string') markImpossible(state, `the successor is ${verdict}`)
      else adopt(state, token, verdict)
    } catch {
      markImpossible(state, 'the claims cannot be signed')
    }
  }

  /** Returns why the token of the issuer is not a valid successor; undefined when it is. */
  function refusalOf(answer: AuthResult | Failure, { claims, tokenId, subject, expiresAtSec }: AuthResult) {
    if (answer instanceof Failure) return `the token of the answer is not good here (${answer.code})`
    if (answer.subject !== subject) return 'the token of the answer has another subject'
    if (answer.expiresAtSec <= expiresAtSec) return 'the token of the answer does not live longer'
    if ((sessionStartOf(answer.claims) ?? Infinity) > (sessionStartOf(claims) ?? 0))
      return 'the token of the answer moves the beginning of the session (auth_time)'
    // A token with `renewed_from` ends with its session, whatever its exp (validityOf).
    return answer.expiresAtSec > sessionEndSecOf(claims) && answer.renewedFrom !== tokenId
      ? 'the token of the answer outlives maxSession'
      : undefined
  }

  function askForSuccessor(endpoint: Endpoint, { raw, result }: Renewable, state: RenewalState) {
    return endpoint.ask(result.tokenId, raw, result.validUntilSec)?.then(
      (token) => {
        if (state.successor !== undefined || state.impossible) return
        const verdict = parts.verify(token)
        const refusal = refusalOf(verdict, result)
        if (verdict instanceof Failure || refusal !== undefined) markImpossible(state, refusal ?? 'it is not good')
        else adopt(state, token, verdict)
      },
      (error: unknown) => {
        if (error instanceof RenewalRefused) state.impossible = true
        events.onFailed(error instanceof Error ? error.message : 'the issuer could not be asked')
      },
    )
  }

  return {
    validityOf(claims, plain) {
      const { renewed_from: renewedFrom } = claims
      const exp = magnitudeOf(claims['exp'])
      let { notAfterSec } = plain
      if (graceSec > 0 && exp !== undefined && isRenewable(claims)) notAfterSec = Math.max(notAfterSec, exp + graceSec)
      // A successor ends with its session, without tolerance. The issuer decides the end of a first token.
      if (renewedFrom !== undefined) notAfterSec = Math.min(notAfterSec, sessionEndSecOf(claims))
      return { ...plain, notAfterSec }
    },

    sessionOver(claims, nowSec) {
      const endSec = sessionEndSecOf(claims)
      if (nowSec < endSec) return undefined
      const ageSec = Math.floor(nowSec - endSec + rules.maxSessionSec)
      const detail = `its session began ${ageSec} s ago, allowed are ${rules.maxSessionSec} s (renewal.maxSession)`
      return new Failure('session_too_old', detail)
    },

    stateOf(claims, { signed, signature }) {
      if (!isRenewable(claims)) return undefined
      const raw = options.stream === 'event' ? `${signed}.${signature}` : ''
      return { dueSec: dueSecOf(claims, rules), raw, successor: undefined, impossible: false, reported: false }
    },

    renew(token, state, nowSec) {
      if (state.successor !== undefined) return undefined
      let asked: Promise<void> | undefined
      if (!state.impossible && nowSec < sessionEndSecOf(token.result.claims)) {
        if ('ask' in maker) asked = askForSuccessor(maker, token, state)
        else signSuccessor(maker, token, state)
      }
      // TypeScript does not know that signSuccessor sets it.
      if ((state.successor as RenewedToken | undefined) !== undefined) return undefined
      if (nowSec < token.result.expiresAtSec + clockToleranceSec) return undefined
      return new Failure(
        'token_expired',
        `it expired ${Math.floor(nowSec - token.result.expiresAtSec)} s ago, at ${token.result.expiresAtSec}, and no successor of it could be made`,
        asked,
      )
    },

    ...retirement,
  }
}
