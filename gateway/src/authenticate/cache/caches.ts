// The caches of authentication behind one interface: ready tokens, good signatures, refusals and ended tokens.
import { createEndedTokens } from './ended-tokens.ts'
import { createRefusalCache } from './refusal-cache.ts'
import { createSignatureCache } from './signature-cache.ts'
import { createTokenCache, mostEntries } from './token-cache.ts'
import type { TrustedIssuer } from '../issuers.ts'
import { notVerified, unlessKeysCome } from '../keys/choose-keys.ts'
import type { VerificationKey } from '../keys/key-set.ts'
import { createSignatureCheck, type GoodSignature, type SignatureSource } from '../keys/signature-check.ts'
import type { UnverifiedToken } from '../token/token-shape.ts'
import { isFor, isStillGood, type VerifiedToken } from '../verified-token.ts'
import type { Clock } from '../../clock.ts'

/** Counts since start, for metrics. */
export interface CacheCounts {
  /** Tokens whose signature was not checked, because it had been. */
  hits: number
  /** Those among them that were not ready, and were taken apart again. */
  reread: number
  misses: number
}

export interface CacheLimits {
  /** Tokens that anything is kept of. */
  readonly maxTokens: number
  /** Heap for those kept ready. */
  readonly maxBytes: number
  /** How long a signature is believed, in milliseconds. */
  readonly maxAge: number
}

/** What is kept now. */
export interface CacheStatus {
  /** Whether a token was verified before. */
  readonly has: (rawToken: string) => boolean
  /** Tokens kept ready, with claims and header, and the heap that they take, an estimate. */
  readonly ready: number
  readonly readyBytes: number
  /** Tokens whose signature is kept, ready or not. */
  readonly signatures: number
}

/** Its `signatureOf` asks the caches first, and says where keys may come that would change a refusal. */
export interface Caches extends SignatureSource {
  /** A token kept ready for one of these issuers that is good now, counted as a hit. One that is good no longer is let go. */
  recall(rawToken: string, issuers: readonly TrustedIssuer[], nowSec: number): VerifiedToken | undefined
  /** The same of one that may have expired, and not counted. */
  recallEnded(rawToken: string, issuers: readonly TrustedIssuer[], nowSec: number): VerifiedToken | undefined
  /** Counts a token that was not ready and is good, and keeps it ready where that is worth it. */
  keep(token: VerifiedToken, signature: GoodSignature, nowSec: number): void
  keepEnded(token: VerifiedToken): void
  readonly counts: CacheCounts
  readonly status: CacheStatus
}

/** Whether the signature was checked just now: nothing was kept of the token. */
export function wasChecked({ lookupsAgo }: GoodSignature): boolean {
  return lookupsAgo === Infinity
}

export function createCaches(limits: CacheLimits, clock: Pick<Clock, 'monotonic'>): Caches {
  const ready = createTokenCache(limits)
  /** For tokens that cannot be kept ready. Undefined where as many as may be kept at all can. */
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
   * When no room is left but that of good ones, only a token that comes again soon enough to be found there gets in, so that
   * tokens which are used once push none out; and one that is due, as its successor is kept beside it and made once.
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
      if (refused !== undefined) return unlessKeysCome(refused, token, issuer.keys, keys)
      const signature = findSignature(token, keys, nowSec)
      if (signature !== undefined) return signature
      const failure = notVerified(issuer, keys)
      refusals.keep(rawToken, failure, keys)
      return unlessKeysCome(failure, token, issuer.keys, keys)
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
