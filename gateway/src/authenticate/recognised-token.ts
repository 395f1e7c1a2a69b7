// Tokens that are known for what they are though they may have ended: of use to a log-out, and beside another cookie.
import { LRUCache } from 'lru-cache'

import type { AuthResult } from './auth-result.ts'
import type { VerifiedToken } from './cache/token-cache.ts'

/** A token of a believed issuer, signature and claims found right. */
export interface RecognisedToken {
  readonly result: AuthResult
  /** Neither expired nor blocked. */
  readonly isLive: boolean
}

/** So that a cookie that a browser never lets go of costs one signature check, not one with each request. */
const MAX_ENDED = 1000
const MAX_CHARACTERS = 4_194_304

export function createEndedTokens(): LRUCache<string, VerifiedToken> {
  return new LRUCache({ max: MAX_ENDED, maxSize: MAX_CHARACTERS, sizeCalculation: ({ raw }) => raw.length })
}
