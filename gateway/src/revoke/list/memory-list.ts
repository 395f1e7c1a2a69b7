// The block list in memory: exact, compact, and without long pauses at any size.
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

/** Number of bits of the hash that make a position for `page`. They do not change when shards are rebuilt. */
const PLACE_BITS = 10

const CLEAR: Verdict = Object.freeze({ entry: undefined, holdsUntilSec: Infinity })
/**
 * Not cacheable: an overlap is running, which `holdsUntilSec` cannot express, or the wall clock may be set back before the end
 * of an entry.
 */
const CLEAR_NOW: Verdict = Object.freeze({ entry: undefined, holdsUntilSec: 0 })
const [TOKEN, JTI, SID, SUB, ALIVE] = [0, 1, 2, 3, 4] as const
const RENEWED = BLOCK_REASONS.indexOf('renewed')

export interface BlockListParts {
  readonly pack?: Packer
  readonly clock?: Pick<Clock, 'monotonic'>
}

/** Creates an empty block list. It throws a RangeError beyond 1024 issuers, or when a shard is full. */
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

  // Results of the last lookup, in variables: a returned object would be allocated on each request.
  let shard = table[0] as ListShard
  let meta = 0
  let text = pack('', 0, false)

  /** Looks up a record, and sets `shard`, `meta` and `text`. Returns its slot; -1 if there is none. */
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

  /** Reads the entry at `at`. `value` is passed in, because unpacking it takes longer than the whole lookup. */
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
    // An `alive` entry does not change any block status.
    if (change.entry.kind !== 'alive') epoch += 1
    for (const listener of listeners) listener(change)
    return change
  }

  function locateKey({ kind, issuer, value }: BlockKey): number {
    const issuerId = issuerIds.get(issuer)
    return issuerId === undefined ? -1 : locate(BLOCK_KINDS.indexOf(kind), issuerId, takenValue(kind, value))
  }

  // Results of the lookups for one caller, collected by `ask`.
  let found: BlockEntry | undefined
  let isMomentary = false
  let lastIssuer = 0

  function ask(kind: number, issuer: number, value: string, caller: AuthResult, nowSec: number): void {
    if (locate(kind, issuer, value) === -1) return
    const { words, at } = shard
    // An ended entry is in force again when the wall clock is set back, so this result must not be cached.
    if (nowSec >= (words[at + UNTIL] as number)) {
      isMomentary = true
      return
    }
    if (kind === SUB && (caller.firstIssuedAtSec ?? -1) >= (words[at + ISSUED_BEFORE] as number)) return
    // A successor is not blocked by the retirement of its own predecessor.
    const isRenewed = records.reasonOf(words[at + META] as number) === RENEWED
    if (isRenewed && kind === TOKEN && value === caller.renewedFrom) return
    if (isRenewed && overlaps.secondsTo(words[at + BEGINS] as number) > 0) isMomentary = true
    // A retirement does not end streams, so an entry with any other reason takes precedence.
    else if (found === undefined || found.reason === 'renewed') found = entryOf(shard, value)
  }

  function hasAny(kind: number): boolean {
    return (counts[kind] as number) > 0
  }

  function check(caller: AuthResult, nowSec: number): Verdict {
    if (!caller.authenticated) return CLEAR
    // Most gateways have one issuer, or serve the same issuer several times in a row.
    const issuer = caller.issuerId === issuers[lastIssuer] ? lastIssuer : issuerIds.get(caller.issuerId)
    if (issuer === undefined) return CLEAR
    lastIssuer = issuer
    const { jti, originJti, sid, subject, renewedFrom } = caller
    found = undefined
    isMomentary = false
    // Skips kinds without entries; for tokens this also saves the digest that makes the token id.
    if (hasAny(TOKEN)) {
      ask(TOKEN, issuer, caller.tokenId, caller, nowSec)
      if (renewedFrom !== undefined) ask(TOKEN, issuer, renewedFrom, caller, nowSec)
    }
    if (hasAny(JTI)) {
      if (jti !== undefined) ask(JTI, issuer, firstJtiOf(jti), caller, nowSec)
      if (originJti !== undefined) ask(JTI, issuer, originJti, caller, nowSec)
    }
    // The session id of a first token is its token id, because it has no sid.
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
