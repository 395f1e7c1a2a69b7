// Runs a request through the real stages, without an upstream, and reports their decisions.
import { assumeKeys, type AssumedKeys } from './assumed-keys.ts'
import { onlyFailed, reportsOf, type CheckReport, type Unknowns } from './explain-checks.ts'
import { renewalReport, type RenewalReport } from './explain-renewal.ts'
import type { ExplainedRequest } from './explained-request.ts'
import type { Explanation, OwnAnswer } from './explanation.ts'
import { checkHeadSize } from './head-size.ts'
import { buildLookingGateway, type LookingGateway } from './looking-gateway.ts'
import { nearRoutes } from './near-routes.ts'
import { createTokenReader, headerAsSent, type UnverifiedToken } from '../../authenticate/token/token-shape.ts'
import { createTokenLocation } from '../../authenticate/locations/create-location.ts'
import { createTokenFinder } from '../../authenticate/locations/find-token.ts'
import type { TokenLocation } from '../../authenticate/locations/location.ts'
import type { KeySourceParts } from '../../authenticate/keys/key-source.ts'
import { quoted } from '../../message/shown-value.ts'
import type { Config } from '../../options/config.ts'
import { AUTH_MODES } from '../../options/route/auth-modes.ts'
import { chooseIssuer } from '../../authenticate/keys/choose-keys.ts'
import type { TrustedIssuer } from '../../authenticate/issuers.ts'
import { readExactJson } from '../../message/json/exact-json.ts'
import { Failure, failureRule, isFailureCode, type CheckName } from '../../failure.ts'
import type { Gateway } from '../../gateway/running.ts'
import type { Lent } from '../../gateway/lent.ts'

export interface ExplainParts {
  readonly nowMs: number
  /** Fetches the keys; undefined when nothing is fetched, and results that need keys are not known. */
  readonly fetchJson: KeySourceParts['fetchJson'] | undefined
  /** The keys and the block list of the running gateway, which then decide. Undefined for those of a gateway that starts now. */
  readonly lent?: Lent
}

const OFFLINE = 'the keys are at a URL, and --offline fetches nothing'

/** The issuer that the route selected; undefined when it selected none. */
function issuerOf(
  token: UnverifiedToken,
  { issuers }: Gateway,
  route: Explanation['route'],
): TrustedIssuer | undefined {
  const chosen = chooseIssuer(
    token,
    issuers.filter(({ name }) => route?.issuers?.includes(name) ?? true),
  )
  return chosen instanceof Failure ? undefined : chosen
}

/** The token and the location in which it was found. */
interface TokenLook {
  readonly token: UnverifiedToken | undefined
  readonly location: TokenLocation | undefined
}

function lookAtToken(config: Config, request: ExplainedRequest): TokenLook {
  const found = createTokenFinder(config.tokens.from.map(createTokenLocation))({
    headers: request.headers,
    url: request.target,
  })
  if (found === undefined || found instanceof Failure) return { token: undefined, location: undefined }
  const token = createTokenReader(config.limits.tokenBytes)(found.token)
  return { token: token instanceof Failure ? undefined : token, location: found.location }
}

/** Explains one request. Sends nothing to an upstream and stores nothing. Throws CannotStart as a start would. */
export async function explain(config: Config, request: ExplainedRequest, parts: ExplainParts): Promise<Explanation> {
  const tooLarge = checkHeadSize(request, config.limits)
  if (tooLarge !== undefined) return explanationOfParser(tooLarge)
  const { nowMs, fetchJson, lent } = parts
  const gateway = buildLookingGateway(config, request, {
    ...{ nowMs, lent },
    fetchJson: fetchJson ?? (() => Promise.reject(new Error(OFFLINE))),
  })
  try {
    const look = lookAtToken(config, request)
    const unknowns =
      lent === undefined ? await prepareKeys(gateway, config, look, fetchJson) : () => unknownsBeside(config, request)
    const { statusCode, headers } = await gateway.app.inject({
      method: request.method as 'GET',
      url: '/',
      headers: request.headers,
      ...(request.client === undefined ? {} : { remoteAddress: request.client }),
    })
    const { 'x-tollgate': code, 'www-authenticate': challenge } = headers as Record<string, string | undefined>
    return explanationOf({
      ...{ config, request, gateway, look, nowSec: nowMs / 1000, isDefinite: fetchJson !== undefined },
      unknowns: unknowns(),
      response: { status: statusCode, code, challenge },
    })
  } finally {
    await gateway.close()
  }
}

/** Fetches keys as a start would, or assumes them. Returns the unknown checks, to be called after the decision. */
async function prepareKeys(
  gateway: LookingGateway,
  config: Config,
  { token }: TokenLook,
  fetchJson: ExplainParts['fetchJson'],
): Promise<() => Unknowns> {
  // Without a token no key is needed, so the explanation does not wait for an issuer that is down.
  if (fetchJson !== undefined && token !== undefined) await gateway.loadKeys()
  const assumed = fetchJson === undefined ? assumeKeys(gateway.issuers) : undefined
  // Stops the fetch timers: no other keys arrive, so no check waits for a key.
  for (const { keys } of gateway.issuers) keys.stop()
  return () => unknownsOf(config, assumed)
}

/** The explanation of a request that Node's parser refuses, before any stage. */
function explanationOfParser(refusal: Failure): Explanation {
  return {
    ...{ verdict: 'refused', passes: false, route: undefined, nearRoutes: undefined, foundIn: undefined },
    ...{
      token: undefined,
      checks: onlyFailed(refusal),
      renewal: undefined,
      upstreamHeader: undefined,
      claimHeaders: [],
    },
    answer: { status: failureRule(refusal.code).status, code: refusal.code, challenge: undefined },
  }
}

interface Findings {
  readonly config: Config
  readonly request: ExplainedRequest
  readonly gateway: LookingGateway
  readonly look: TokenLook
  readonly nowSec: number
  /** True when unknown checks count as passed: for a gateway that starts now with an empty block list, or a running one. */
  readonly isDefinite: boolean
  readonly unknowns: Unknowns
  readonly response: OwnAnswer
}

function explanationOf(findings: Findings): Explanation {
  const { config, gateway, look, response, isDefinite, unknowns } = findings
  const { seen } = gateway
  const { token, location } = look
  const refusal = seen.refusal ?? (seen.reached ? undefined : routingFailure(response.code, findings.request))
  const isLogOut = seen.reached && seen.route?.action !== undefined
  const { readsToken: asked, enforces } = AUTH_MODES[seen.route?.auth ?? 'none']
  const checks =
    asked && (token !== undefined || refusal !== undefined)
      ? reportsOf(seen.trace, refusal, unknowns)
      : onlyFailed(refusal)
  const verdict =
    seen.reached || (refusal === undefined && response.status < 400)
      ? verdictOfPassing(checks, isDefinite || !enforces)
      : 'refused'
  return {
    verdict,
    passes: verdict === 'passes',
    route: seen.route,
    nearRoutes: response.status === 404 || response.status === 405 ? nearRoutes(config, findings.request) : undefined,
    foundIn: asked ? location?.name : undefined,
    token:
      asked && token !== undefined ? { header: headerAsSent(token), claims: token.signedClaims().claims } : undefined,
    checks,
    renewal: asked && !isLogOut ? renewalOf(findings, refusal) : undefined,
    upstreamHeader:
      seen.authResult === undefined || isLogOut ? undefined : describeHeader(config.authResult.header, seen.authResult),
    claimHeaders: seen.claimHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [{ name, value: all[index + 1] ?? '' }] : [],
    ),
    answer: isLogOut ? LOGGED_OUT : seen.reached ? undefined : response,
  }
}

function renewalOf(
  { config, gateway, look: { token, location }, nowSec }: Findings,
  refusal: Failure | undefined,
): RenewalReport | undefined {
  const { route, reached, successor } = gateway.seen
  const issuer = token === undefined ? undefined : issuerOf(token, gateway, route)
  if (token === undefined || issuer === undefined) return undefined
  return renewalReport({
    options: config.issuers.find(({ name }) => name === issuer.name)?.renewal,
    claims: token.signedClaims().claims,
    nowSec,
    refusal: reached ? undefined : refusal,
    successor,
    location,
  })
}

const LOGGED_OUT: OwnAnswer = { status: 204, code: undefined, challenge: undefined }

/**
 * The failure of a request that the router refused. Its public title is enough, apart from one mistake that a shell makes
 * easy. Undefined when the router did not refuse it.
 */
function routingFailure(code: string | undefined, { target }: ExplainedRequest): Failure | undefined {
  if (code === undefined || !isFailureCode(code)) return undefined
  const isBare = code === 'path_unsafe' && !target.startsWith('/')
  return new Failure(
    code,
    isBare ? `it is ${quoted(target)}, and the target of a request begins with a /` : failureRule(code).title,
  )
}

const IN_GATEWAY = 'it is in the gateway that runs'

/** The checks whose results need the network or the running gateway. */
function unknownsOf({ limits }: Config, assumed: AssumedKeys | undefined): Unknowns {
  const unknowns = new Map<CheckName, string>([['revocation', `the block list: ${IN_GATEWAY} (GET /api/revocations)`]])
  if (limits.authFailures !== undefined) unknowns.set('limit', `the count of failed tokens: ${IN_GATEWAY}`)
  if (assumed?.wereUsed === true) unknowns.set('key', OFFLINE).set('signature', OFFLINE)
  return unknowns
}

/** The running gateway knows everything but the address of the client, unless --client names it. */
function unknownsBeside({ limits }: Config, { client }: ExplainedRequest): Unknowns {
  return limits.authFailures === undefined || client !== undefined
    ? new Map()
    : new Map([['limit', 'whose tokens failed before is counted by client (--client)']])
}

function verdictOfPassing(checks: readonly CheckReport[], isDefinite: boolean): Explanation['verdict'] {
  return !isDefinite && checks.some(({ outcome }) => outcome === 'not known') ? 'not known' : 'passes'
}

function describeHeader(name: string, value: string): NonNullable<Explanation['upstreamHeader']> {
  return { name, value, decoded: readExactJson(Buffer.from(value, 'base64url').toString('utf8')) }
}
