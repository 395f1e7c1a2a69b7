// Retires a token: blocks it after the first use of its successor, and reports a later use as possible theft.
import type { AuthResult } from '../authenticate/auth-result.ts'
import { createSessionLife } from './session-life.ts'
import type { Renewable } from '../authenticate/renewal.ts'
import type { BlockList } from '../revoke/block-list.ts'

export interface RetirementRules {
  readonly overlapSec: number
  /** Longest validity of an old token after the `iat` of its successor. */
  readonly longestRestSec: number
  readonly maxSessionSec: number
  readonly onReuse: 'refuse' | 'revoke-session'
}

export interface RetirementEvents {
  readonly onRetired: () => void
  /** `first`: the first report of this token. */
  readonly onReused: (caller: AuthResult, first: boolean) => void
}

export interface Retirement {
  onFirstUse(token: Renewable, nowSec: number): void
  onBlocked(token: Renewable, nowSec: number): void
}

export function createRetirement(
  rules: RetirementRules,
  blockList: Pick<BlockList, 'add' | 'get' | 'find'>,
  events: RetirementEvents,
): Retirement {
  const life = createSessionLife(blockList)

  function endSession({ sid, tokenId, issuerId }: AuthResult, nowSec: number): void {
    const key = { kind: 'sid', issuer: issuerId, value: sid ?? tokenId } as const
    if (blockList.get(key)?.reason === 'reused') return
    const untilSec = Math.ceil(nowSec + rules.maxSessionSec) + 1
    blockList.add({ ...key, issuedBeforeSec: undefined, overlapSec: 0, untilSec, reason: 'reused' })
  }

  return {
    onFirstUse({ result }, nowSec) {
      const { renewedFrom, issuerId, issuedAtSec = 0 } = result
      if (renewedFrom === undefined) return
      life.onUsed(result)
      const key = { kind: 'token', issuer: issuerId, value: renewedFrom } as const
      // Another process may have seen it first. Its time counts, so a second entry must not extend it.
      if (blockList.get(key) !== undefined) return
      const { overlapSec, longestRestSec } = rules
      const untilSec = Math.ceil(Math.max(issuedAtSec + longestRestSec, nowSec + overlapSec)) + 1
      blockList.add({ ...key, issuedBeforeSec: undefined, overlapSec, untilSec, reason: 'renewed' })
      events.onRetired()
    },

    onBlocked({ result }, nowSec) {
      if (blockList.find(result, nowSec)?.reason !== 'renewed') return
      events.onReused(result, result.renewal?.reported !== true)
      if (result.renewal !== undefined) result.renewal.reported = true
      if (rules.onReuse === 'revoke-session') endSession(result, nowSec)
    },
  }
}
