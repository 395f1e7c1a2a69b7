// Caches verified tokens with parsed claims and an encoded header, for tokens that are used often.
import { LRUCache } from 'lru-cache'

import { bytesOf, bytesOfValues } from './claims-size.ts'
import type { TrustedIssuer } from '../issuers.ts'
import type { VerifiedToken } from '../verified-token.ts'

export interface TokenCache {
  get(rawToken: string): VerifiedToken | undefined
  has(rawToken: string): boolean
  /** True when one more token fits without evicting a token that is still valid. */
  hasRoom(nowSec: number): boolean
  set(token: VerifiedToken): void
  delete(rawToken: string): void
  /** Deletes the tokens of an issuer. */
  forget(issuer: TrustedIssuer): void
  readonly size: number
  readonly bytes: number
}

// Heap for each token besides its text, header and claims, fitted to measurements of eight kinds (npm run bench:memory).
const BYTES_PER_ENTRY = 576

/**
 * Length of the key, the end of a token in characters: a whole HMAC-SHA-256, or 32 bytes of another signature, which no client
 * can choose. Hashing all 700 characters of an RS256 token for each request took longer than the rest of a hit.
 */
const INDEX_LENGTH = 43

/** Returns the key of a token. Callers compare the whole token afterwards. */
export function endOf(rawToken: string): string {
  return rawToken.slice(-INDEX_LENGTH)
}

/** Returns an upper bound of the tokens that fit into `maxBytes`. */
export function mostEntries(maxBytes: number): number {
  return Math.max(1, Math.floor(maxBytes / BYTES_PER_ENTRY))
}

/** Creates an LRU cache, limited by count and by bytes. A look-up compares the whole token. */
export function createTokenCache(limits: { readonly maxTokens: number; readonly maxBytes: number }): TokenCache {
  // The LRU allocates 36 bytes for each of `max` entries at once, so `max` is at most what fits into maxBytes.
  const max = Math.min(limits.maxTokens, mostEntries(limits.maxBytes))
  const cache = new LRUCache<string, VerifiedToken>({
    max,
    maxSize: limits.maxBytes,
    sizeCalculation: ({ raw, result: { claims, headerValue = '', claimValues } }) =>
      BYTES_PER_ENTRY + raw.length + headerValue.length + bytesOfValues(claimValues) + bytesOf(claims),
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
    forget(issuer) {
      for (const [end, token] of cache.entries()) if (token.issuer === issuer) cache.delete(end)
    },
    get size() {
      return cache.size
    },
    get bytes() {
      return cache.calculatedSize
    },
  }
}
