// The block list in memory: exact, compact, and without long pauses, whatever its size.
import type { AuthResult } from '../../authenticate/auth-result.ts'
import { systemClock, type Clock } from '../../clock.ts'
import {
  BLOCK_KINDS,
  BLOCK_REASONS,
  mergeEntries,
  type BlockChange,
  type BlockEntry,
  type BlockKey,
  type BlockKind,
  type BlockList,
  type Verdict,
} from '../block-list.ts'
import * as records from './list-record.ts'
import { ListShard, SHARD_BITS } from './list-shard.ts'
import { createOverlapClock } from './overlap-clock.ts'
import { PageArena } from './page-arena.ts'
import { createPacker, unpack, type Packer } from './packed-text.ts'
import { MAX_CHARACTERS, saysTheSame, shortened, takenEntry, takenValue } from './taken-entry.ts'
import { firstJtiOf } from '../../message/session-origin.ts'

const { HASH, BEGINS, UNTIL, ISSUED_BEFORE, META, SAME_MASK, REASON_SHIFT, MAX_ISSUERS } = records

/** Bits of the hash that a place in the list stands for: they stay as they are when shards are rebuilt. */
const PLACE_BITS = 10

const CLEAR: Verdict = Object.freeze({ entry: undefined, holdsUntilSec: Infinity })
/** For now: an overlap is running, which ends by another clock than `holdsUntilSec`, or the wall clock may be put back. */
const CLEAR_NOW: Verdict = Object.freeze({ entry: undefined, holdsUntilSec: 0 })
const [TOKEN, JTI, SID, SUB, ALIVE] = [0, 1, 2, 3, 4] as const
const RENEWED = BLOCK_REASONS.indexOf('renewed')

export interface BlockListParts {
  readonly pack?: Packer
  readonly clock?: Pick<Clock, 'monotonic'>
}

export function createBlockList({
  pack = createPacker(MAX_CHARACTERS),
  clock = systemClock,
}: BlockListParts = {}): BlockList {
  const arena = new PageArena()
  const counts = new Uint32Array(BLOCK_KINDS.length)
  const table = Array.from({ length: 2 ** SHARD_BITS }, () => new ListShard(arena, counts))
  const issuers: string[] = []
  const issuerIds = new Map<string, number>()
  const listeners = new Set<(change: BlockChange) => void>()
  const overlaps = createOverlapClock(clock)
  let epoch = 0
  let sweepAt = 0

  // What the last look-up found: results without an object, since a look-up is made on requests.
  let shard = table[0] as ListShard
  let meta = 0
  let text = pack('', 0, false)

  /** The slot of the record in `shard`; -1 when there is none. */
  function locate(kind: number, issuer: number, value: string): number {
    const short = shortened(value)
    meta = records.metaOf(kind, 0, false, issuer, short.length)
    text = pack(short, meta, kind === TOKEN)
    if (text.wide) meta = records.metaOf(kind, 0, true, issuer, short.length)
    shard = table[text.hash >>> (32 - SHARD_BITS)] as ListShard
    return shard.find(meta, SAME_MASK, text)
  }

  function issuerIdOf(issuer: string): number {
    const known = issuerIds.get(issuer)
    if (known !== undefined) return known
    if (issuers.length === MAX_ISSUERS) throw new RangeError(`a block list can hold entries of ${MAX_ISSUERS} issuers`)
    issuerIds.set(issuer, issuers.length)
    return issuers.push(issuer) - 1
  }

  const unpacked = new Uint32Array(MAX_CHARACTERS / 2)

  /** The entry that `at` points to; `value` where it is known already: unpacking it takes longer than the whole look-up. */
  function entryOf({ words, at }: ListShard, value: string): BlockEntry {
    const facts = words[at + META] as number
    const kind = records.kindOf(facts)
    return {
      kind: BLOCK_KINDS[kind] as BlockKind,
      issuer: issuers[records.issuerOf(facts)] as string,
      value,
      issuedBeforeSec: kind === SUB ? words[at + ISSUED_BEFORE] : undefined,
      overlapSec: overlaps.secondsTo(words[at + BEGINS] as number),
      untilSec: words[at + UNTIL] as number,
      reason: BLOCK_REASONS[records.reasonOf(facts)] as BlockEntry['reason'],
    }
  }

  function entryIn(listed: ListShard, slot: number): BlockEntry {
    listed.copyText(slot, unpacked, 0)
    const facts = listed.words[listed.at + META] as number
    return entryOf(listed, unpack(unpacked, records.lengthOf(facts), records.isWide(facts)))
  }

  function tell(change: BlockChange): BlockChange {
    // That a session goes on changes no answer.
    if (change.entry.kind !== 'alive') epoch += 1
    for (const listener of listeners) listener(change)
    return change
  }

  function locateKey({ kind, issuer, value }: BlockKey): number {
    const issuerId = issuerIds.get(issuer)
    return issuerId === undefined ? -1 : locate(BLOCK_KINDS.indexOf(kind), issuerId, takenValue(kind, value))
  }

  // What the questions about one caller found so far.
  let found: BlockEntry | undefined
  let isMomentary = false
  let lastIssuer = 0

  function ask(kind: number, issuer: number, value: string, caller: AuthResult, nowSec: number): void {
    if (locate(kind, issuer, value) === -1) return
    const { words, at } = shard
    // In force again when the clock is put back: what is said now holds for no other moment.
    if (nowSec >= (words[at + UNTIL] as number)) {
      isMomentary = true
      return
    }
    if (kind === SUB && (caller.firstIssuedAtSec ?? -1) >= (words[at + ISSUED_BEFORE] as number)) return
    // Having renewed its predecessor is what a successor is for.
    const isRenewed = records.reasonOf(words[at + META] as number) === RENEWED
    if (isRenewed && kind === TOKEN && value === caller.renewedFrom) return
    if (isRenewed && overlaps.secondsTo(words[at + BEGINS] as number) > 0) isMomentary = true
    // A stream may outlive a token that was merely renewed: any other reason says more.
    else if (found === undefined || found.reason === 'renewed') found = entryOf(shard, value)
  }

  function hasAny(kind: number): boolean {
    return (counts[kind] as number) > 0
  }

  function check(caller: AuthResult, nowSec: number): Verdict {
    if (!caller.authenticated) return CLEAR
    // Most gateways have one issuer, and most requests come from the one that the last request came from.
    const issuer = caller.issuerId === issuers[lastIssuer] ? lastIssuer : issuerIds.get(caller.issuerId)
    if (issuer === undefined) return CLEAR
    lastIssuer = issuer
    const { jti, originJti, sid, subject, renewedFrom } = caller
    found = undefined
    isMomentary = false
    // A kind that nobody is blocked by costs nothing, least of all the digest that is a token's id.
    if (hasAny(TOKEN)) {
      ask(TOKEN, issuer, caller.tokenId, caller, nowSec)
      if (renewedFrom !== undefined) ask(TOKEN, issuer, renewedFrom, caller, nowSec)
    }
    if (hasAny(JTI)) {
      if (jti !== undefined) ask(JTI, issuer, firstJtiOf(jti), caller, nowSec)
      if (originJti !== undefined) ask(JTI, issuer, originJti, caller, nowSec)
    }
    // A session is named by the id of its first token, which has no sid.
    if (hasAny(SID)) ask(SID, issuer, sid ?? caller.tokenId, caller, nowSec)
    if (hasAny(SUB) && subject !== undefined) ask(SUB, issuer, subject, caller, nowSec)

    const entry = found as BlockEntry | undefined
    if (entry !== undefined) return { entry, holdsUntilSec: entry.untilSec }
    return isMomentary ? CLEAR_NOW : CLEAR
  }

  return {
    get epoch() {
      return epoch
    },
    get size() {
      return counts.reduce((sum, count) => sum + count, 0)
    },
    get bytes() {
      return table.reduce((sum, { tagBytes }) => sum + tagBytes, arena.bytes)
    },
    countOf: (kind) => counts[BLOCK_KINDS.indexOf(kind)] as number,
    add(entry, origin = 'here') {
      const kind = BLOCK_KINDS.indexOf(entry.kind)
      const given = takenEntry(entry)
      const slot = locate(kind, issuerIdOf(entry.issuer), given.value)
      const known = slot === -1 ? undefined : entryOf(shard, given.value)
      const merged = known === undefined ? given : mergeEntries(known, given)
      const knownTick = known === undefined ? Infinity : (shard.words[shard.at + BEGINS] as number)
      const begins = merged.reason === 'renewed' ? Math.min(knownTick, overlaps.tickIn(given.overlapSec)) : 0
      if (known !== undefined && saysTheSame(known, merged) && begins === knownTick) return undefined
      if (known === undefined) shard.insert(meta, text)
      const { words, at } = shard
      words[at + BEGINS] = begins
      words[at + UNTIL] = merged.untilSec
      words[at + ISSUED_BEFORE] = merged.issuedBeforeSec ?? 0
      words[at + META] = (meta & SAME_MASK) | (BLOCK_REASONS.indexOf(merged.reason) << REASON_SHIFT)
      shard.firstEndSec = Math.min(shard.firstEndSec, merged.untilSec)
      return tell({ entry: merged, change: 'added', origin })
    },
    remove(key, origin = 'here') {
      const gone = locateKey(key)
      if (gone === -1) return undefined
      const entry = entryIn(shard, gone)
      shard.remove(gone)
      return tell({ entry, change: 'removed', origin })
    },
    get(key) {
      const slot = locateKey(key)
      return slot === -1 ? undefined : entryIn(shard, slot)
    },
    find: (caller, nowSec) => check(caller, nowSec).entry,
    aliveUntilSec({ issuerId, sid, tokenId }) {
      const issuer = issuerIds.get(issuerId)
      if (issuer === undefined || !hasAny(ALIVE) || locate(ALIVE, issuer, sid ?? tokenId) === -1) return 0
      return shard.words[shard.at + UNTIL] as number
    },
    check,
    sweep(nowSec, isTimeUp) {
      for (let looked = 0; looked < table.length && !isTimeUp(); looked += 1) {
        const swept = table[sweepAt] as ListShard
        sweepAt = (sweepAt + 1) % table.length
        if (swept.firstEndSec <= nowSec) swept.dropEnded(nowSec)
      }
    },
    page(after, limit) {
      const entries: BlockEntry[] = []
      for (let place = after; place < 2 ** PLACE_BITS; place += 1) {
        const here: BlockEntry[] = []
        const listed = table[place >>> (PLACE_BITS - SHARD_BITS)] as ListShard
        listed.forEach((slot) => {
          if ((listed.words[listed.at + HASH] as number) >>> (32 - PLACE_BITS) === place)
            here.push(entryIn(listed, slot))
        })
        if (entries.length > 0 && entries.length + here.length > limit) return { entries, next: place }
        entries.push(...here)
      }
      return { entries, next: undefined }
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
