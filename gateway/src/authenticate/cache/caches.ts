// The caches of authentication behind one interface: verified tokens, signatures, refusals and ended tokens.
import { createEndedTokens } from './ended-tokens.ts'
import { createRefusalCache } from './refusal-cache.ts'
import { createSignatureCache } from './signature-cache.ts'
import { createTokenCache, mostEntries } from './token-cache.ts'
import type { TrustedIssuer } from '../issuers.ts'
import { notVerified, orWaitForKey } from '../keys/choose-keys.ts'
import type { VerificationKey } from '../keys/key-set.ts'
import { createSignatureCheck, type GoodSignature, type SignatureSource } from '../keys/signature-check.ts'
import type { UnverifiedToken } from '../token/token-shape.ts'
import { isFor, isStillGood, type VerifiedToken } from '../verified-token.ts'
import type { Clock } from '../../clock.ts'

/** Counts since start, for metrics. */
export interface CacheCounts {
  /** Tokens whose signature check was cached. */
  hits: number
  /** Hits of the signature cache only: the token was parsed again. */
  reread: number
  misses: number
}

export interface CacheLimits {
  /** Most tokens in the caches. */
  readonly maxTokens: number
  /** Heap for the token cache, in bytes. */
  readonly maxBytes: number
  /** How long a signature check stays valid, in milliseconds. */
  readonly maxAge: number
}

/** The current content of the caches. */
export interface CacheStatus {
  /** True when the token or its signature is cached. */
  readonly has: (rawToken: string) => boolean
  /** Tokens in the token cache, and the estimated heap they take. */
  readonly ready: number
  readonly readyBytes: number
  /** Records in the signature cache. */
  readonly signatures: number
}

/** A signature source that reads the caches first. Its failures carry `wait` when a key fetch may change them. */
export interface Caches extends SignatureSource {
  /** Returns a valid token of one of these issuers from the token cache, and counts a hit. Removes one that is invalid now. */
  recall(rawToken: string, issuers: readonly TrustedIssuer[], nowSec: number): VerifiedToken | undefined
  /** Returns a cached token that may have expired or be blocked. Does not count it. */
  recallEnded(rawToken: string, issuers: readonly TrustedIssuer[], nowSec: number): VerifiedToken | undefined
  /** Counts a newly examined, valid token, and puts it into the token cache if that is worthwhile. */
  keep(token: VerifiedToken, signature: GoodSignature, nowSec: number): void
  keepEnded(token: VerifiedToken): void
  /** Drops the tokens of an issuer that no config has any more. They count for no other one; this frees their memory. */
  forget(issuer: TrustedIssuer): void
  readonly counts: CacheCounts
  readonly status: CacheStatus
}

/** True when the signature was checked now, and not found in a cache. */
export function wasChecked({ lookupsAgo }: GoodSignature): boolean {
  return lookupsAgo === Infinity
}

export function createCaches(limits: CacheLimits, clock: Pick<Clock, 'monotonic'>): Caches {
  const ready = createTokenCache(limits)
  /** Holds the tokens that exceed the token cache. Undefined when `maxTokens` fit into the token cache. */
  const signatures =
    limits.maxTokens > mostEntries(limits.maxBytes) ? createSignatureCache(limits.maxTokens) : undefined
  const refusals = createRefusalCache(clock)
  const ended = createEndedTokens()
  const { check } = createSignatureCheck(limits.maxAge)
  const counts: CacheCounts = { hits: 0, reread: 0, misses: 0 }

  function findSignature(
    token: UnverifiedToken,
    keys: readonly VerificationKey[],
    nowSec: number,
  ): GoodSignature | undefined {
    if (signatures === undefined || (signatures.size === 0 && ready.hasRoom(nowSec))) return check(token, keys, nowSec)
    return signatures.recall(token, keys, { nowSec, lookup: counts.hits + counts.misses }, check)
  }

  /**
   * Decides whether a token may evict a valid one from a full token cache: only if it was seen within the last `size` look-ups, so
   * that tokens used once evict nothing; or if it is due, because its successor is cached with it and must be made once.
   */
  function isWorthKeeping({ result: { renewal } }: VerifiedToken, { lookupsAgo }: GoodSignature, nowSec: number) {
    const isDue = renewal !== undefined && nowSec >= renewal.dueSec
    return signatures === undefined || isDue || ready.hasRoom(nowSec) || lookupsAgo <= ready.size
  }

  return {
    recall(rawToken, issuers, nowSec) {
      const known = ready.get(rawToken)
      if (known === undefined || !isFor(known, issuers)) return undefined
      if (isStillGood(known, nowSec)) {
        counts.hits += 1
        return known
      }
      ready.delete(rawToken)
      return undefined
    },
    recallEnded(rawToken, issuers, nowSec) {
      const known = ready.get(rawToken) ?? ended.get(rawToken)
      const holds = known !== undefined && isFor(known, issuers) && known.key.live && nowSec < known.forgetAtSec
      return holds ? known : undefined
    },
    signatureOf(rawToken, token, issuer, keys, nowSec) {
      const refused = refusals.recall(rawToken, keys)
      if (refused !== undefined) return orWaitForKey(refused, token, issuer.keys, keys)
      const signature = findSignature(token, keys, nowSec)
      if (signature !== undefined) return signature
      const failure = notVerified(issuer, keys)
      refusals.keep(rawToken, failure, keys)
      return orWaitForKey(failure, token, issuer.keys, keys)
    },
    keep(token, signature, nowSec) {
      if (isWorthKeeping(token, signature, nowSec)) ready.set(token)
      if (wasChecked(signature)) {
        counts.misses += 1
        return
      }
      counts.hits += 1
      counts.reread += 1
    },
    keepEnded(token) {
      ended.set(token.raw, token)
    },
    forget(issuer) {
      ready.forget(issuer)
      for (const [raw, token] of ended.entries()) if (token.issuer === issuer) ended.delete(raw)
    },
    counts,
    status: {
      has: (rawToken) => ready.has(rawToken) || signatures?.has(rawToken) === true,
      get ready() {
        return ready.size
      },
      get readyBytes() {
        return ready.bytes
      },
      get signatures() {
        return signatures?.size ?? 0
      },
    },
  }
}
