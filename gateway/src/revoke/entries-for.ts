// The block list entries for one whole token: the token itself and, where its issuer renews, its session.
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { BlockEntry, BlockReason } from './block-list.ts'

/** How an issuer's tokens are renewed, as far as blocking them must know. */
export interface RenewalFacts {
  /** How long after its expiry a token may still be renewed, in seconds. */
  readonly graceSec: number
  /** How long a session may last from its first token on, in seconds; with what clocks may differ by, since another one counts it. */
  readonly maxSessionSec: number
}

/** What an issuer's config says about renewal, as far as it matters here. Times in milliseconds. */
interface IssuerRenewal {
  readonly name: string
  readonly clockTolerance: number
  readonly renewal?: { readonly grace?: number | undefined; readonly maxSession: number } | undefined
}

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

// 9999-12-31: for tokens without exp, which never end by themselves.
const LAST_SECOND = 253_402_300_799

/** What names the session of a caller: `sid`, or the id of its first token, which has none. */
export function sessionOf({ sid, tokenId }: Pick<AuthResult, 'sid' | 'tokenId'>): string {
  return sid ?? tokenId
}

/**
 * What blocks this caller's token. With `renewal` (undefined: the issuer does not renew) its successors
 * are blocked as well, those that are out already and those that a machine may mint before it hears of this.
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
  // The session began before now, so that it ends before this.
  const sessionEndSec = Math.max(untilSec, Math.ceil(nowSec + renewal.maxSessionSec) + 1)
  return [token, { ...common, kind: 'sid', value: sessionOf(caller), untilSec: sessionEndSec }]
}
