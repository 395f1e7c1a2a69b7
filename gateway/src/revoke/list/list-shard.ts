// One shard of the block list: an open-addressing hash table of fixed-size records in pages, rebuilt in place when it changes size.
import { HASH, LINE, META, NEXT, TEXT, UNTIL, firstPartOf, kindOf, linesFor, textWordsOf } from './list-record.ts'
import { PAGE_LINES, PAGE_LINE_BITS, type PageArena, type PageOwner } from './page-arena.ts'
import type { PackedText } from './packed-text.ts'

/*
 * Each slot is a line and a tag, one byte of the hash (0: free). Almost all lookups are for tokens that are not blocked, and
 * the tags alone decide them: a million entries have 1.5 MB of tags, which stay in the processor's cache. One tag in 255
 * matches by chance. A lookup that finds an entry reads the tags and one line (170 ns for an access outside the cache, measured
 * here).
 *
 * There are many small shards, because a rebuild of one table with a million entries would stop the process for a quarter of a
 * second. There are no more than these, so that the objects of the shards stay in the cache.
 */

/**
 * Number of bits of the hash that select the shard, the highest ones. The other bits select the slot, and the last eight are
 * the tag.
 */
export const SHARD_BITS = 8

const MAX_LOAD = 0.65
const FREE = 0
/** The tag of lines that continue a text. */
const GOES_ON = 255
const SLOT_HASHES = 2 ** (32 - SHARD_BITS)
/** Limit for one shard. A rebuild of more lines would take a second. */
const MAX_LINES = 2 ** 24
const NO_TAGS = new Uint8Array(0)

export class ListShard implements PageOwner {
  readonly pages: number[] = []
  readonly #arena: PageArena
  readonly #counts: Uint32Array
  #tags = NO_TAGS
  #capacity = 0
  #maxLines = 0
  /** Factor from a hash to its slot. */
  #scale = 0
  /** Number of lines in use. */
  #lines = 0
  /** No entry ends before this second since the epoch. */
  firstEndSec = Infinity
  /** `words` and `at` point to the record that was last found, added or visited. */
  words: Uint32Array = new Uint32Array(0)
  at = 0

  /** `counts` holds the number of entries by kind, for all shards together. */
  constructor(arena: PageArena, counts: Uint32Array) {
    this.#arena = arena
    this.#counts = counts
  }

  /** Returns the slot of the record with this meta (under the mask) and text; -1 if there is none. */
  find(same: number, sameMask: number, text: PackedText): number {
    const tags = this.#tags
    const capacity = this.#capacity
    if (capacity === 0) return -1
    const { hash } = text
    const tag = tagOf(hash)
    for (let slot = homeOf(hash, this.#scale); ;) {
      const found = tags[slot] as number
      if (found === FREE) return -1
      if (found === tag) {
        this.#point(slot)
        if (((this.words[this.at + META] as number) & sameMask) === same && this.#hasText(slot, text)) return slot
      }
      slot += 1
      if (slot === capacity) slot = 0
    }
  }

  /** Adds a new record. The caller must set its times, and update `firstEndSec`. */
  insert(meta: number, { hash, words, count }: PackedText): void {
    const lines = linesFor(count)
    if (this.#lines + lines > this.#maxLines) this.#rebuild(lines, -1, -1)
    this.#put(hash, meta, words, 0, count)
  }

  /** Drops the records that end at or before this second, and frees their lines. */
  dropEnded(nowSec: number): void {
    this.#rebuild(0, nowSec, -1)
  }

  remove(slot: number): void {
    this.#rebuild(0, -1, slot)
  }

  /** Visits all records. */
  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.#capacity; slot += 1) {
      const tag = this.#tags[slot] as number
      if (tag === FREE || tag === GOES_ON) continue
      this.#point(slot)
      visit(slot)
    }
  }

  /** Copies the text of the record in a slot to `target`, starting at `start`. */
  copyText(slot: number, target: Uint32Array, start: number): void {
    this.#point(slot)
    let { words, at } = this
    const count = textWordsOf(words[at + META] as number)
    let copied = 0
    for (let part = firstPartOf(count); ; part = Math.min(NEXT, count - copied)) {
      const from = copied === 0 ? at + TEXT : at
      for (let index = 0; index < part; index += 1) target[start + copied + index] = words[from + index] as number
      copied += part
      if (copied === count) break
      this.#point(words[at + NEXT] as number)
      ;({ words, at } = this)
    }
    this.#point(slot)
  }

  get tagBytes(): number {
    return this.#tags.byteLength
  }

  #point(slot: number): void {
    const page = this.pages[slot >>> PAGE_LINE_BITS] as number
    this.words = this.#arena.wordsOf(page)
    this.at = this.#arena.startOf(page, slot & (PAGE_LINES - 1))
  }

  #hasText(slot: number, { words: wanted, count }: PackedText): boolean {
    let { words } = this
    let from = this.at + TEXT
    if (linesFor(count) > 1) {
      words = this.#arena.scratch(count)
      this.copyText(slot, words, 0)
      from = 0
    }
    for (let index = 0; index < count; index += 1) if (words[from + index] !== wanted[index]) return false
    return true
  }

  #take(wanted: number, tag: number): number {
    let slot = wanted
    while (this.#tags[slot] !== FREE) slot = slot + 1 === this.#capacity ? 0 : slot + 1
    this.#tags[slot] = tag
    this.#lines += 1
    this.#point(slot)
    return slot
  }

  #put(hash: number, meta: number, text: Uint32Array, start: number, count: number): void {
    const head = this.#take(homeOf(hash, this.#scale), tagOf(hash))
    this.words[this.at + HASH] = hash
    this.words[this.at + META] = meta
    this.#count(meta, 1)
    let copied = 0
    for (let part = firstPartOf(count), slot = head; ; part = Math.min(NEXT, count - copied)) {
      const { words, at } = this
      const to = copied === 0 ? at + TEXT : at
      for (let index = 0; index < part; index += 1) words[to + index] = text[start + copied + index] as number
      copied += part
      if (copied === count) break
      slot = this.#take(slot, GOES_ON)
      words[at + NEXT] = slot
    }
    this.#point(head)
  }

  #count(meta: number, change: number): void {
    const kind = kindOf(meta)
    this.#counts[kind] = (this.#counts[kind] as number) + change
  }

  /*
   * Growing and sweeping share one piece of code, without a branch that only one of them takes: when the first sweep took a
   * branch that no growth had taken, V8 discarded the compiled code, and a shard took 7 ms instead of 0.25 ms.
   */
  #rebuild(room: number, endedSec: number, removed: number): void {
    const kept = this.#arena.scratch((this.#capacity + 1) * LINE)
    let used = 0
    let lines = room
    for (let slot = 0; slot < this.#capacity; slot += 1) {
      const tag = this.#tags[slot] as number
      if (tag === FREE || tag === GOES_ON) continue
      this.#point(slot)
      const { words, at } = this
      const meta = words[at + META] as number
      const count = textWordsOf(meta)
      const stays = (words[at + UNTIL] as number) > endedSec && slot !== removed
      // The next record overwrites one that is dropped.
      for (let index = 0; index < TEXT; index += 1) kept[used + index] = words[at + index] as number
      this.copyText(slot, kept, used + TEXT)
      this.#count(meta, -1)
      used += stays ? TEXT + count : 0
      lines += stays ? linesFor(count) : 0
    }
    this.#resize(lines)
    this.#lines = 0
    this.firstEndSec = Infinity
    for (let at = 0; at < used;) {
      const meta = kept[at + META] as number
      const count = textWordsOf(meta)
      this.#put(kept[at + HASH] as number, meta, kept, at + TEXT, count)
      for (let index = HASH + 1; index < META; index += 1) this.words[this.at + index] = kept[at + index] as number
      this.firstEndSec = Math.min(this.firstEndSec, kept[at + UNTIL] as number)
      at += TEXT + count
    }
  }

  /** Makes room for `lines` lines and frees all slots. It grows with some reserve, and shrinks only by a large step. */
  #resize(lines: number): void {
    const needed = Math.ceil(lines / MAX_LOAD / PAGE_LINES)
    const { length } = this.pages
    const pageCount = needed > length ? needed + (needed >>> 4) : needed < length - (length >>> 2) ? needed : length
    if (pageCount * PAGE_LINES > MAX_LINES) throw new RangeError('the block list is full')
    this.#arena.resize(this, pageCount)
    this.#capacity = pageCount * PAGE_LINES
    this.#maxLines = this.#capacity * MAX_LOAD
    this.#scale = this.#capacity / SLOT_HASHES
    if (this.#capacity > this.#tags.length || this.#capacity < this.#tags.length / 4)
      this.#tags = this.#capacity === 0 ? NO_TAGS : new Uint8Array(2 ** Math.ceil(Math.log2(this.#capacity)))
    else this.#tags.fill(FREE)
  }
}

function homeOf(hash: number, scale: number): number {
  return ((hash & (SLOT_HASHES - 1)) * scale) | 0
}

/** Returns a tag from 1 to 254, from the bits that matter least for the slot. */
function tagOf(hash: number): number {
  return Math.min(Math.max(hash & 0xff, 1), GOES_ON - 1)
}
