// Builds the block list entries that revoke one token: the token itself, and its session if the issuer renews.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { BlockEntry, BlockReason } from './block-list.ts'

/** The renewal rules of an issuer, as needed to block its tokens. */
export interface RenewalFacts {
  /** How long after its expiry a token may be renewed, in seconds. */
  readonly graceSec: number
  /**
   * Longest duration of a session from its first token, in seconds. It includes clockTolerance, because another machine's clock
   * may decide.
   */
  readonly maxSessionSec: number
}

/** The renewal options of an issuer that matter here. Times in milliseconds. */
interface IssuerRenewal {
  readonly name: string
  readonly clockTolerance: number
  readonly renewal?: { readonly grace?: number | undefined; readonly maxSession: number } | undefined
}

/** Returns the lookup of renewal rules by issuer name; undefined for an issuer that does not renew. */
export function renewalFactsOf(issuers: readonly IssuerRenewal[]): (issuerName: string) => RenewalFacts | undefined {
  const facts = new Map(
    issuers.flatMap(({ name, clockTolerance, renewal }): [string, RenewalFacts][] =>
      renewal === undefined
        ? []
        : [
            [
              name,
              { graceSec: (renewal.grace ?? 0) / 1000, maxSessionSec: (renewal.maxSession + clockTolerance) / 1000 },
            ],
          ],
    ),
  )
  return (issuerName) => facts.get(issuerName)
}

// 9999-12-31, for tokens without exp, which never expire.
const LAST_SECOND = 253_402_300_799

/** Returns the session id of a caller: `sid`, or the token id of a first token, which has no `sid`. */
export function sessionOf({ sid, tokenId }: Pick<AuthResult, 'sid' | 'tokenId'>): string {
  return sid ?? tokenId
}

/**
 * Returns the entries that block the caller's token. With `renewal` (undefined: the issuer does not renew) they also block its
 * successors, both existing ones and those that another machine makes before it receives the entries.
 */
export function entriesFor(
  caller: Pick<AuthResult, 'issuerId' | 'tokenId' | 'sid' | 'validUntilSec'>,
  {
    nowSec,
    reason,
    renewal,
  }: { readonly nowSec: number; readonly reason: BlockReason; readonly renewal: RenewalFacts | undefined },
): readonly BlockEntry[] {
  const untilSec = Math.ceil(Math.min(caller.validUntilSec + (renewal?.graceSec ?? 0), LAST_SECOND))
  const common = { issuer: caller.issuerId, issuedBeforeSec: undefined, overlapSec: 0, reason }
  const token: BlockEntry = { ...common, kind: 'token', value: caller.tokenId, untilSec }
  if (renewal === undefined) return [token]
  // The session began before now, so it ends before this time.
  const sessionEndSec = Math.max(untilSec, Math.ceil(nowSec + renewal.maxSessionSec) + 1)
  return [token, { ...common, kind: 'sid', value: sessionOf(caller), untilSec: sessionEndSec }]
}
