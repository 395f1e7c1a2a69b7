// Chooses among several cookies that hold tokens: the latest token of one session counts, ended tokens do not.
import type { AuthResult } from './auth-result.ts'
import type { TrustedIssuer } from './issuers.ts'
import type { RecognisedToken } from './verified-token.ts'
import type { FoundToken } from './locations/location.ts'
import { Failure } from '../failure.ts'

interface Candidate extends RecognisedToken {
  readonly found: FoundToken
}

type Recognise = (rawToken: string, issuers: readonly TrustedIssuer[]) => RecognisedToken | Failure

const DIFFERENT = new Failure('token_ambiguous', 'cookies hold tokens of different sessions')
const UNPROVEN = new Failure('token_ambiguous', 'of several cookies, one holds what is no good token')

/** The name of the session is that of its issuer, or the id of its first token (renew/successor.ts). */
function areOneSession(a: AuthResult, b: AuthResult): boolean {
  return a.issuerId === b.issuerId && a.subject === b.subject && (a.sid ?? a.tokenId) === (b.sid ?? b.tokenId)
}

/** Whether `a` was issued after `b`. A successor has its predecessor's iat at least, and always a later end. */
function isLater(a: AuthResult, b: AuthResult): boolean {
  if (a.renewedFrom === b.tokenId) return true
  if (b.renewedFrom === a.tokenId) return false
  const [issued, before] = [a.issuedAtSec ?? 0, b.issuedAtSec ?? 0]
  return issued === before ? a.expiresAtSec > b.expiresAtSec : issued > before
}

/** The latest, if all are of one session and one is later than each other. */
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
 * Decides after each was verified, so that what anybody could have written displaces no good token, and nobody's token passes
 * beside it unseen. What is good but has ended (left behind by an earlier session, in a cookie that nobody could delete) counts
 * for nothing; the session as a whole is looked at first, as all of its tokens may have ended.
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
    // Where nothing lives, the answer is why one of them does not: whoever gets it has to log in.
    const counting = latestOf(candidates) ?? (live.length === 0 ? candidates[0] : latestOf(live))
    return counting === undefined ? DIFFERENT : settleOn(counting.found, rivals)
  }
}

/** To log out with: any that is good, as all others end with it. */
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
