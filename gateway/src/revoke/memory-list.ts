// The block list in memory: exact, compact, and without long pauses, however many entries come and end.
import { hash as digest } from 'node:crypto'

import type { AuthResult } from '../authenticate/auth-result.ts'
import {
  BLOCK_KINDS,
  BLOCK_REASONS,
  mergeEntries,
  type BlockChange,
  type BlockEntry,
  type BlockKey,
  type BlockKind,
  type BlockList,
  type ChangeOrigin,
  type Verdict,
} from './block-list.ts'
import * as shards from './list-shard.ts'
import { createKeyedHash, createPacker, unpack, type KeyedHash } from './packed-text.ts'

const { FROM, UNTIL, ISSUED_BEFORE, META, TEXT, SAME_MASK, SHARD_BITS } = shards

/** Longer values are known by their digest: an entry must not cost more than a few hundred bytes. */
const MAX_CHARACTERS = 1024
/** Times are kept in 32 bits: what ends after 2106 ends in 2106. */
const LAST_SECOND = 2 ** 32 - 1
const MAX_ISSUERS = 2048

const CLEAR: Verdict = Object.freeze({ entry: undefined, holdsUntilSec: Infinity })
const [TOKEN, JTI, SID, SUB] = [0, 1, 2, 3] as const
const RENEWED = BLOCK_REASONS.indexOf('renewed')

function shortened(value: string): string {
  return value.length <= MAX_CHARACTERS ? value : `sha256:${digest('sha256', value, 'base64url')}`
}

function second(value: number): number {
  return Math.min(Math.max(Math.ceil(value), 0), LAST_SECOND)
}

function isSame(a: BlockEntry, b: BlockEntry): boolean {
  return (
    a.fromSec === b.fromSec &&
    a.untilSec === b.untilSec &&
    a.issuedBeforeSec === b.issuedBeforeSec &&
    a.reason === b.reason
  )
}

export function createBlockList({ keyedHash = createKeyedHash() }: { readonly keyedHash?: KeyedHash } = {}): BlockList {
  const table = Array.from({ length: 2 ** SHARD_BITS }, () => new shards.ListShard())
  const issuers: string[] = []
  const issuerIds = new Map<string, number>()
  const counts: [number, number, number, number] = [0, 0, 0, 0]
  const listeners = new Set<(change: BlockChange) => void>()
  const pack = createPacker(MAX_CHARACTERS)
  let epoch = 0
  let sweepAt = 0

  // What the last look-up found: results without an object, since a look-up is made on requests.
  let shard = table[0] as shards.ListShard
  let hash = 0
  let meta = 0
  let text = pack('')

  /** Where the record begins in `shard`; -1 when there is none. */
  function locate(kind: number, issuer: number, value: string): number {
    const short = shortened(value)
    text = pack(short)
    meta = shards.metaOf(kind, 0, text.wide, issuer, short.length)
    hash = keyedHash(meta, text)
    shard = table[hash >>> (32 - SHARD_BITS)] as shards.ListShard
    return shard.find(hash, meta, SAME_MASK, text)
  }

  function issuerIdOf(issuer: string): number {
    const known = issuerIds.get(issuer)
    if (known !== undefined) return known
    if (issuers.length === MAX_ISSUERS) throw new RangeError(`a block list can hold entries of ${MAX_ISSUERS} issuers`)
    issuerIds.set(issuer, issuers.length)
    return issuers.push(issuer) - 1
  }

  /** `value` where it is known already: unpacking it takes longer than the whole look-up. */
  function entryAt({ words }: shards.ListShard, at: number, value?: string): BlockEntry {
    const facts = words[at + META] as number
    const kind = shards.kindOf(facts)
    return {
      kind: BLOCK_KINDS[kind] as BlockKind,
      issuer: issuers[shards.issuerOf(facts)] as string,
      value: value ?? unpack(words, at + TEXT, shards.lengthOf(facts), shards.isWide(facts)),
      issuedBeforeSec: kind === SUB ? words[at + ISSUED_BEFORE] : undefined,
      fromSec: words[at + FROM] as number,
      untilSec: words[at + UNTIL] as number,
      reason: BLOCK_REASONS[shards.reasonOf(facts)] as BlockEntry['reason'],
    }
  }

  function tell(entry: BlockEntry, change: BlockChange['change'], origin: ChangeOrigin): void {
    epoch += 1
    for (const listener of listeners) listener({ entry, change, origin })
  }

  function locateKey({ kind, issuer, value }: BlockKey): number {
    const issuerId = issuerIds.get(issuer)
    return issuerId === undefined ? -1 : locate(BLOCK_KINDS.indexOf(kind), issuerId, value)
  }

  // What the questions about one caller found so far.
  let found: BlockEntry | undefined
  let beginsAtSec = Infinity

  function ask(kind: number, issuer: number, value: string, caller: AuthResult, nowSec: number): void {
    const at = locate(kind, issuer, value)
    if (at === -1) return
    const { words } = shard
    if (nowSec >= (words[at + UNTIL] as number)) return
    if (kind === SUB && (caller.issuedAtSec ?? -1) >= (words[at + ISSUED_BEFORE] as number)) return
    // Having renewed its predecessor is what a successor is for.
    const isRenewed = shards.reasonOf(words[at + META] as number) === RENEWED
    if (isRenewed && kind === TOKEN && value === caller.renewedFrom) return
    const fromSec = words[at + FROM] as number
    if (nowSec < fromSec) beginsAtSec = Math.min(beginsAtSec, fromSec)
    // A stream may outlive a token that was merely renewed: any other reason says more.
    else if (found === undefined || found.reason === 'renewed') found = entryAt(shard, at, value)
  }

  function check(caller: AuthResult, nowSec: number): Verdict {
    const issuer = caller.authenticated ? issuerIds.get(caller.issuerId) : undefined
    if (issuer === undefined) return CLEAR
    const { jti, sid, subject, renewedFrom } = caller
    found = undefined
    beginsAtSec = Infinity
    // A kind that nobody is blocked by costs nothing, least of all the digest that is a token's id.
    if (counts[TOKEN] > 0) {
      ask(TOKEN, issuer, caller.tokenId, caller, nowSec)
      if (renewedFrom !== undefined) ask(TOKEN, issuer, renewedFrom, caller, nowSec)
    }
    if (counts[JTI] > 0 && jti !== undefined) ask(JTI, issuer, jti, caller, nowSec)
    // A session is named by the id of its first token, which has no sid.
    if (counts[SID] > 0) ask(SID, issuer, sid ?? caller.tokenId, caller, nowSec)
    if (counts[SUB] > 0 && subject !== undefined) ask(SUB, issuer, subject, caller, nowSec)

    const entry = found as BlockEntry | undefined
    if (entry !== undefined) return { entry, holdsUntilSec: Math.min(entry.untilSec, beginsAtSec) }
    return beginsAtSec === Infinity ? CLEAR : { entry: undefined, holdsUntilSec: beginsAtSec }
  }

  return {
    get epoch() {
      return epoch
    },
    get size() {
      return counts[TOKEN] + counts[JTI] + counts[SID] + counts[SUB]
    },
    get bytes() {
      return table.reduce((sum, { bytes }) => sum + bytes, 0)
    },
    countOf: (kind) => counts[BLOCK_KINDS.indexOf(kind)] as number,
    add(entry, origin = 'here') {
      const kind = BLOCK_KINDS.indexOf(entry.kind)
      const given: BlockEntry = {
        ...entry,
        value: shortened(entry.value),
        issuedBeforeSec: kind === SUB ? second(entry.issuedBeforeSec ?? LAST_SECOND) : undefined,
        fromSec: second(Math.floor(entry.fromSec)),
        untilSec: second(entry.untilSec),
      }
      let at = locate(kind, issuerIdOf(entry.issuer), given.value)
      const known = at === -1 ? undefined : entryAt(shard, at, given.value)
      const merged = known === undefined ? given : mergeEntries(known, given)
      if (known !== undefined && isSame(known, merged)) return
      if (at === -1) {
        at = shard.insert(hash, meta, text)
        counts[kind as 0] += 1
      }
      const { words } = shard
      words[at + FROM] = merged.fromSec
      words[at + UNTIL] = merged.untilSec
      words[at + ISSUED_BEFORE] = merged.issuedBeforeSec ?? 0
      words[at + META] = (meta & SAME_MASK) | (BLOCK_REASONS.indexOf(merged.reason) << 2)
      shard.firstEndSec = Math.min(shard.firstEndSec, merged.untilSec)
      tell(merged, 'added', origin)
    },
    remove(key, origin = 'here') {
      const gone = locateKey(key)
      if (gone === -1) return false
      const entry = entryAt(shard, gone)
      shard.retain((at) => at !== gone)
      counts[BLOCK_KINDS.indexOf(key.kind) as 0] -= 1
      tell(entry, 'removed', origin)
      return true
    },
    get(key) {
      const at = locateKey(key)
      return at === -1 ? undefined : entryAt(shard, at)
    },
    find: (caller, nowSec) => check(caller, nowSec).entry,
    check,
    sweep(nowSec, isTimeUp) {
      for (let looked = 0; looked < table.length && !isTimeUp(); looked += 1) {
        const swept = table[sweepAt] as shards.ListShard
        sweepAt = (sweepAt + 1) % table.length
        if (swept.firstEndSec > nowSec) continue
        swept.retain((at) => {
          const stays = (swept.words[at + UNTIL] as number) > nowSec
          if (!stays) counts[shards.kindOf(swept.words[at + META] as number) as 0] -= 1
          return stays
        })
      }
    },
    page(after, limit) {
      const entries: BlockEntry[] = []
      for (let place = after; place < table.length; place += 1) {
        const listed = table[place] as shards.ListShard
        if (entries.length > 0 && entries.length + listed.count > limit) return { entries, next: place }
        listed.forEach((at) => entries.push(entryAt(listed, at)))
      }
      return { entries, next: undefined }
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
