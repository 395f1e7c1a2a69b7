// Turns a revocation request into block list entries: a whole token, or a jti, sid or sub of an issuer.
import { AdminProblem } from './admin-problem.ts'
import { readTime } from './read-time.ts'
import type { Claims } from '../../authenticate/auth-result.ts'
import { nameIn } from '../../authenticate/token/claims.ts'
import { createTokenReader } from '../../authenticate/token/token-shape.ts'
import type { Config } from '../../options/config.ts'
import { magnitudeOf } from '../../message/json/exact-number.ts'
import { Failure } from '../../failure.ts'
import { BLOCK_REASONS, type BlockEntry, type BlockReason } from '../../revoke/block-list.ts'
import { entriesFor, type RenewalFacts } from '../../revoke/entries-for.ts'

type Issuer = Config['issuers'][number]

export interface RevocationReaderParts {
  readonly issuers: () => readonly Issuer[]
  /** The clock that machines share: by one of this machine that was put wrong, a token would seem to have ended, or an entry would end too soon. */
  readonly nowSec: () => number
  /** What time it is for an issuer (`issuerId`), as far as it is known: by it tokens say when they were issued. */
  readonly issuerTimeSec: (issuerId: string) => number
  readonly renewalOf: (issuerName: string) => RenewalFacts | undefined
}

const FIELDS = ['token', 'jti', 'sid', 'sub', 'issuer', 'until', 'issuedBefore', 'reason']
const SUBJECTS = ['token', 'jti', 'sid', 'sub'] as const
const MAX_LENGTH = 65_536
/** How long an entry stays where nobody knows how long tokens live (no maxLifetime of the issuer). */
const DEFAULT_SEC = 30 * 86_400

function problem(title: string): AdminProblem {
  return new AdminProblem(400, 'revocation_invalid', title)
}

function idOf({ name, issuer }: Issuer): string {
  return issuer ?? name
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH
}

export function createRevocationReader({ nowSec: now, renewalOf, issuerTimeSec, ...parts }: RevocationReaderParts) {
  const readToken = createTokenReader(MAX_LENGTH)
  const known = () =>
    `there are ${parts
      .issuers()
      .map(({ name }) => name)
      .join(', ')}`

  function namedIssuer(named: unknown): Issuer | AdminProblem {
    const found = parts
      .issuers()
      .find(({ name, issuer }) => named === name || (issuer !== undefined && named === issuer))
    return found ?? problem(`issuer must be the name or the iss of an issuer of the config; ${known()}`)
  }

  function issuerOfToken(claims: Claims): Issuer | AdminProblem {
    const issuers = parts.issuers()
    const byIss = issuers.find(({ issuer }) => issuer !== undefined && issuer === claims['iss'])
    const others = issuers.filter(({ issuer }) => issuer === undefined)
    const found = byIss ?? (others.length === 1 ? others[0] : undefined)
    return (
      found ?? problem(`the token is from no issuer of the config, or not clearly from one; give issuer (${known()})`)
    )
  }

  /** Its signature is not looked at: the key may be withdrawn already, and whoever may revoke may revoke anything. */
  function ofToken(
    text: string,
    named: unknown,
    reason: BlockReason,
    nowSec: number,
  ): readonly BlockEntry[] | AdminProblem {
    const token = readToken(text.trim().replace(/^bearer\s+/i, ''))
    if (token instanceof Failure) return problem(`token: ${token.detail}`)
    const issuer = named === undefined ? issuerOfToken(token.claims) : namedIssuer(named)
    if (issuer instanceof AdminProblem) return issuer
    const { exp, sid } = token.signedClaims().claims
    const caller = {
      issuerId: idOf(issuer),
      tokenId: token.id,
      sid: nameIn(sid),
      validUntilSec: (magnitudeOf(exp) ?? Infinity) + issuer.clockTolerance / 1000,
    }
    const entries = entriesFor(caller, { nowSec, reason, renewal: renewalOf(issuer.name) })
    return entries.filter(({ untilSec }) => untilSec > nowSec)
  }

  function longestSec({ name, maxLifetime, clockTolerance }: Issuer): number {
    // Twice: its clock may be ahead when it issues, and that of who asks behind.
    const lifetimeSec = maxLifetime === undefined ? DEFAULT_SEC : (maxLifetime + 2 * clockTolerance) / 1000
    return Math.ceil(lifetimeSec + (renewalOf(name)?.maxSessionSec ?? 0))
  }

  /** The entries, none where all of it has ended already; or why not. */
  return function readRevocation(body: unknown): readonly BlockEntry[] | AdminProblem {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      return problem('the body must be a JSON object')
    const fields = body as Readonly<Record<string, unknown>>
    const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name))
    if (unknown !== undefined) return problem(`there is a field that is not known; known are ${FIELDS.join(', ')}`)
    const [kind, ...more] = SUBJECTS.filter((name) => fields[name] !== undefined)
    if (kind === undefined || more.length > 0) return problem('exactly one of token, jti, sid, sub is needed')
    const value = fields[kind]
    if (!isText(value)) return problem(`${kind} must be text, and not empty`)
    const reason = (fields['reason'] ?? 'revoked') as BlockReason
    if (!BLOCK_REASONS.includes(reason) || reason === 'renewed')
      return problem('reason must be one of revoked, logout, reused')
    if (fields['issuedBefore'] !== undefined && kind !== 'sub') return problem('issuedBefore goes with sub only')

    const nowSec = now()
    const untilGiven = fields['until'] === undefined ? undefined : readTime(fields['until'], nowSec)
    if (untilGiven !== undefined && !(untilGiven > nowSec))
      return problem(
        'until must be a time to come: seconds since 1970, 2026-12-31T12:00:00Z, or a duration such as 30d',
      )
    if (kind === 'token') {
      const entries = ofToken(value, fields['issuer'], reason, nowSec)
      if (entries instanceof AdminProblem || untilGiven === undefined) return entries
      return entries.map((entry) => ({ ...entry, untilSec: Math.ceil(untilGiven) }))
    }
    const issuers = parts.issuers()
    const issuer =
      fields['issuer'] === undefined && issuers.length === 1 ? (issuers[0] as Issuer) : namedIssuer(fields['issuer'])
    if (issuer instanceof AdminProblem) return issuer
    // Tokens of this very second are meant as well. Those of log-ins after the response are not: it waits for the next one.
    const before =
      fields['issuedBefore'] === undefined
        ? Math.floor(issuerTimeSec(idOf(issuer))) + 1
        : readTime(fields['issuedBefore'], nowSec)
    if (Number.isNaN(before))
      return problem('issuedBefore must be seconds since 1970, or a date such as 2026-12-31T12:00:00Z')
    return [
      {
        kind,
        issuer: idOf(issuer),
        value,
        issuedBeforeSec: kind === 'sub' ? Math.ceil(before) : undefined,
        overlapSec: 0,
        untilSec: Math.ceil(untilGiven ?? nowSec + longestSec(issuer)),
        reason,
      },
    ]
  }
}
