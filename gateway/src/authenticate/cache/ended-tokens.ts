// Caches tokens that may have ended: a cookie that a browser never deletes then costs one signature check.
import { LRUCache } from 'lru-cache'

import type { VerifiedToken } from '../verified-token.ts'

const MAX_ENDED = 1000
const MAX_CHARACTERS = 4_194_304

export function createEndedTokens(): LRUCache<string, VerifiedToken> {
  return new LRUCache({ max: MAX_ENDED, maxSize: MAX_CHARACTERS, sizeCalculation: ({ raw }) => raw.length })
}
