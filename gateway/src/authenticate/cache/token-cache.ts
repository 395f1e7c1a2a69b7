// Caches verified tokens ready for use, their claims parsed and their upstream header made: for tokens that come often.
import { LRUCache } from 'lru-cache'

import { bytesOf } from './claims-size.ts'
import type { VerifiedToken } from '../verified-token.ts'

export interface TokenCache {
  get(rawToken: string): VerifiedToken | undefined
  has(rawToken: string): boolean
  /** For one more nobody would have to leave who is still good. */
  hasRoom(nowSec: number): boolean
  set(token: VerifiedToken): void
  delete(rawToken: string): void
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

/** What finds a token: the whole text is compared afterwards. */
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
    get(rawToken) {
      const token = cache.get(endOf(rawToken))
      return token !== undefined && token.raw === rawToken ? token : undefined
    },
    has: (rawToken) => cache.peek(endOf(rawToken))?.raw === rawToken,
    hasRoom(nowSec) {
      const { size, calculatedSize } = cache
      if (size < max && calculatedSize + calculatedSize / Math.max(1, size) <= limits.maxBytes) return true
      const leastUsed = cache.rvalues().next().value
      return leastUsed !== undefined && nowSec >= leastUsed.forgetAtSec
    },
    set(token) {
      cache.set(endOf(token.raw), token)
    },
    delete(rawToken) {
      cache.delete(endOf(rawToken))
    },
    get size() {
      return cache.size
    },
    get bytes() {
      return cache.calculatedSize
    },
  }
}
