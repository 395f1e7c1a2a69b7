// Tokens kept ready: verified, their claims taken apart, their header for the upstream made. For those that come again and again.
import { LRUCache } from 'lru-cache'

import type { AuthResult } from '../auth-result.ts'
import type { Standing } from '../block-check.ts'
import { bytesOf } from './claims-size.ts'
import type { Validity } from '../token/claims.ts'
import type { TrustedIssuer } from '../issuers.ts'
import type { VerificationKey } from '../keys/key-set.ts'

/** A token whose signature and claims were found right. What the clock, the route or the issuer may change is not decided here. */
export interface VerifiedToken {
  readonly raw: string
  readonly result: AuthResult
  readonly issuer: TrustedIssuer
  readonly key: VerificationKey
  readonly validity: Validity
  /** From then on its signature is checked again, in seconds. */
  readonly forgetAtSec: number
  readonly standing: Standing
}

/** `end` is always endOf() of the raw token: worked out once for all look-ups of a request, so that it is hashed once. */
export interface TokenCache {
  get(rawToken: string, end: string): VerifiedToken | undefined
  has(rawToken: string): boolean
  /** For one more nobody would have to leave who is still good. */
  hasRoom(nowSec: number): boolean
  set(token: VerifiedToken, end: string): void
  delete(end: string): void
  readonly size: number
  readonly bytes: number
}

// Fitted to the heap that tokens of eight kinds took (npm run bench:memory): what each has beside its text, header and claims.
const BYTES_PER_ENTRY = 576

/**
 * How much of a token's end finds its entry. That is a whole HMAC-SHA-256 and 32 bytes of any other signature, which nobody
 * can choose; hashing all 700 characters of an RS256 token at each request took longer than all the rest of a hit.
 */
const INDEX_LENGTH = 43

/** What finds a remembered token: the whole text is compared afterwards. */
export function endOf(rawToken: string): string {
  return rawToken.slice(-INDEX_LENGTH)
}

/** So many tokens at most fit into these bytes. */
export function mostEntries(maxBytes: number): number {
  return Math.max(1, Math.floor(maxBytes / BYTES_PER_ENTRY))
}

/** Bounded by count and bytes; the least recently used leave first. What is found is compared with the whole token. */
export function createTokenCache(limits: { readonly maxTokens: number; readonly maxBytes: number }): TokenCache {
  // The room for `max` entries is taken at once, 36 bytes for each: more than the bytes allow would only be waste.
  const max = Math.min(limits.maxTokens, mostEntries(limits.maxBytes))
  const cache = new LRUCache<string, VerifiedToken>({
    max,
    maxSize: limits.maxBytes,
    sizeCalculation: ({ raw, result: { claims, headerValue = '' } }) =>
      BYTES_PER_ENTRY + raw.length + headerValue.length + bytesOf(claims),
  })
  return {
    get(rawToken, end) {
      const token = cache.get(end)
      return token !== undefined && token.raw === rawToken ? token : undefined
    },
    has: (rawToken) => cache.peek(endOf(rawToken))?.raw === rawToken,
    hasRoom(nowSec) {
      const { size, calculatedSize } = cache
      if (size < max && calculatedSize + calculatedSize / Math.max(1, size) <= limits.maxBytes) return true
      const leastUsed = cache.rvalues().next().value
      return leastUsed !== undefined && nowSec >= leastUsed.forgetAtSec
    },
    set(token, end) {
      cache.set(end, token)
    },
    delete(end) {
      cache.delete(end)
    },
    get size() {
      return cache.size
    },
    get bytes() {
      return cache.calculatedSize
    },
  }
}
