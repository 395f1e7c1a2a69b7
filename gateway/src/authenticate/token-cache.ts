// Remembered tokens: only verified ones enter, so a flood of forged tokens cannot push out a good one.
import { LRUCache } from 'lru-cache'

import type { AuthResult } from './auth-result.ts'
import type { Validity } from './claims.ts'
import type { TrustedIssuer } from './issuers.ts'
import type { VerificationKey } from './key-set.ts'

/** A token whose signature and claims were found right. What the clock, the route or the issuer may change is not decided here. */
export interface VerifiedToken {
  readonly result: AuthResult
  readonly issuer: TrustedIssuer
  readonly key: VerificationKey
  readonly validity: Validity
  /** From then on it is verified again, in seconds. */
  readonly forgetAtSec: number
}

export interface TokenCache {
  get(rawToken: string): VerifiedToken | undefined
  has(rawToken: string): boolean
  set(rawToken: string, token: VerifiedToken): void
  delete(rawToken: string): void
  readonly size: number
  readonly bytes: number
}

// Fitted to the heap that tokens of three sizes took (npm run bench:memory): the header once, its claims as objects beside it.
const BYTES_PER_ENTRY = 640
const BYTES_PER_HEADER_CHARACTER = 1.75

/** Bounded by count and bytes; the least recently used leave first. The key is the raw token: no hash, no collisions. */
export function createTokenCache(limits: { readonly maxTokens: number; readonly maxBytes: number }): TokenCache {
  const cache = new LRUCache<string, VerifiedToken>({
    max: limits.maxTokens,
    maxSize: limits.maxBytes,
    sizeCalculation: ({ result }, rawToken) =>
      Math.ceil(BYTES_PER_ENTRY + rawToken.length + BYTES_PER_HEADER_CHARACTER * (result.headerValue?.length ?? 0)),
  })
  return {
    get: (rawToken) => cache.get(rawToken),
    has: (rawToken) => cache.has(rawToken),
    set(rawToken, token) {
      cache.set(rawToken, token)
    },
    delete(rawToken) {
      cache.delete(rawToken)
    },
    get size() {
      return cache.size
    },
    get bytes() {
      return cache.calculatedSize
    },
  }
}
