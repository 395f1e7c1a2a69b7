// The block list in memory.
import type { AuthResult } from '../authenticate/auth-result.ts'
import {
  mergeEntries,
  type BlockChange,
  type BlockEntry,
  type BlockKey,
  type BlockKind,
  type BlockList,
  type ChangeOrigin,
  type Verdict,
} from './block-list.ts'

const CLEAR: Verdict = Object.freeze({ entry: undefined, holdsUntilSec: Infinity })

function keyOf({ kind, issuer, value }: BlockKey): string {
  return JSON.stringify([kind, issuer, value])
}

export function createBlockList(): BlockList {
  const entries = new Map<string, BlockEntry>()
  const listeners = new Set<(change: BlockChange) => void>()
  let epoch = 0

  function tell(entry: BlockEntry, change: BlockChange['change'], origin: ChangeOrigin): void {
    epoch += 1
    for (const listener of listeners) listener({ entry, change, origin })
  }

  function check(caller: AuthResult, nowSec: number): Verdict {
    if (!caller.authenticated || entries.size === 0) return CLEAR
    let holdsUntilSec = Infinity
    let found: BlockEntry | undefined

    function ask(kind: BlockKind, value: string | undefined): void {
      if (value === undefined || (found !== undefined && found.reason !== 'renewed')) return
      const entry = entries.get(keyOf({ kind, issuer: caller.issuerId, value }))
      if (entry === undefined || nowSec >= entry.untilSec) return
      if (kind === 'sub' && (caller.issuedAtSec ?? -1) >= (entry.issuedBeforeSec ?? Infinity)) return
      if (value === caller.renewedFrom && kind === 'token' && entry.reason === 'renewed') return
      if (nowSec < entry.fromSec) holdsUntilSec = Math.min(holdsUntilSec, entry.fromSec)
      else if (found === undefined || entry.reason !== 'renewed') found = entry
    }
    ask('token', caller.tokenId)
    ask('token', caller.renewedFrom)
    ask('jti', caller.jti)
    ask('sid', caller.sid ?? caller.tokenId)
    ask('sub', caller.subject)
    if (found !== undefined) return { entry: found, holdsUntilSec: found.untilSec }
    return holdsUntilSec === Infinity ? CLEAR : { entry: undefined, holdsUntilSec }
  }

  return {
    get epoch() {
      return epoch
    },
    get size() {
      return entries.size
    },
    add(entry, origin = 'here') {
      const key = keyOf(entry)
      const known = entries.get(key)
      const merged = known === undefined ? entry : mergeEntries(known, entry)
      entries.set(key, merged)
      tell(merged, 'added', origin)
    },
    remove(key, origin = 'here') {
      const known = entries.get(keyOf(key))
      if (known === undefined) return false
      entries.delete(keyOf(key))
      tell(known, 'removed', origin)
      return true
    },
    get: (key) => entries.get(keyOf(key)),
    find: (caller, nowSec) => check(caller, nowSec).entry,
    check,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
