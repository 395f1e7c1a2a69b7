// Chooses among several token cookies: the latest token of one session, without ended tokens.
import type { AuthResult } from './auth-result.ts'
import type { TrustedIssuer } from './issuers.ts'
import type { RecognisedToken } from './verified-token.ts'
import type { FoundToken } from './locations/location.ts'
import { Failure } from '../failure.ts'

interface Candidate extends RecognisedToken {
  readonly found: FoundToken
}

type Recognise = (rawToken: string, issuers: readonly TrustedIssuer[]) => RecognisedToken | Failure

const DIFFERENT = new Failure('token_ambiguous', 'cookies hold tokens of different sessions, and one session is wanted')
const UNPROVEN = new Failure(
  'token_ambiguous',
  'of several cookies, one holds what is no good token, and all must hold good ones',
)

/** True for tokens with the same session: its id is `sid`, or the tokenId of its first token (renew/successor.ts). */
function areOneSession(a: AuthResult, b: AuthResult): boolean {
  return a.issuerId === b.issuerId && a.subject === b.subject && (a.sid ?? a.tokenId) === (b.sid ?? b.tokenId)
}

/** True when `a` was issued after `b`. A successor has the same `iat` or a later one, and always a later `exp`. */
function isLater(a: AuthResult, b: AuthResult): boolean {
  if (a.renewedFrom === b.tokenId) return true
  if (b.renewedFrom === a.tokenId) return false
  const [issued, before] = [a.issuedAtSec ?? 0, b.issuedAtSec ?? 0]
  return issued === before ? a.expiresAtSec > b.expiresAtSec : issued > before
}

/** Returns the latest candidate, if all are of one session and one is later than all others. */
function latestOf(candidates: readonly Candidate[]): Candidate | undefined {
  const latest = candidates.reduce<Candidate | undefined>(
    (best, one) => (best === undefined || isLater(one.result, best.result) ? one : best),
    undefined,
  )
  if (latest === undefined) return undefined
  const follows = ({ result }: Candidate) =>
    result.tokenId === latest.result.tokenId || (areOneSession(result, latest.result) && isLater(latest.result, result))
  return candidates.every(follows) ? latest : undefined
}

function settleOn({ token, location }: FoundToken, all: readonly FoundToken[]): FoundToken {
  const superseded = all.filter((other) => other.token !== token).map((other) => other.token)
  return { token, location: { ...location, superseded }, rivals: undefined }
}

/**
 * Creates the choice for forwarded requests. It verifies every candidate first: an invalid cookie, which anybody could have set,
 * must neither displace a valid token nor pass unseen. Ended tokens of earlier sessions (a cookie that could not be deleted)
 * are ignored, unless all candidates are of one session.
 */
export function createSettle(recognise: Recognise) {
  return function settle(rivals: readonly FoundToken[], issuers: readonly TrustedIssuer[]): FoundToken | Failure {
    const candidates: Candidate[] = []
    for (const found of rivals) {
      const recognised = recognise(found.token, issuers)
      if (recognised instanceof Failure) return recognised.wait === undefined ? UNPROVEN : recognised
      candidates.push({ ...recognised, found })
    }
    const live = candidates.filter(({ isLive }) => isLive)
    // Without a live token, the first one gives the reason of the refusal: the user has to log in.
    const counting = latestOf(candidates) ?? (live.length === 0 ? candidates[0] : latestOf(live))
    return counting === undefined ? DIFFERENT : settleOn(counting.found, rivals)
  }
}

/** Creates the choice for log-outs: any verified token, because its whole session ends. */
export function createSettleAny(recognise: Recognise) {
  return function settleAny(rivals: readonly FoundToken[], issuers: readonly TrustedIssuer[]): FoundToken | Failure {
    let failure: Failure | undefined
    for (const found of rivals) {
      const recognised = recognise(found.token, issuers)
      if (!(recognised instanceof Failure)) return settleOn(found, rivals)
      if (failure?.wait === undefined) failure = recognised
    }
    return failure ?? DIFFERENT
  }
}
