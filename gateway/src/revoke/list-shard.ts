// One part of the block list: a small hash table over typed arrays that is rebuilt as a whole when it grows or entries end.
import type { PackedText } from './packed-text.ts'

/*
 * A record is a row of words: hash, from, until, issued before, meta, and then the packed text. A slot of the table is one
 * word: 8 bits of the hash above, where the record begins plus one below (0: free). In front of it stands a Bloom filter of
 * four bits a slot, two of them set for an entry: nearly every question is about a token that nobody blocked, and a megabyte
 * stays in the processor's cache where the table of a million entries does not (170 ns for each access, measured here).
 *
 * There are many small shards instead of one large table, because rebuilding one of a million entries would stop the
 * process for a quarter of a second, and one of a thousand takes some tens of microseconds.
 */
export const FROM = 1
export const UNTIL = 2
export const ISSUED_BEFORE = 3
export const META = 4
export const TEXT = 5

const MAX_LOAD = 0.7
const RECORD_GROWTH = 1.25
const LEAST_SLOTS = 8
const SLOTS_PER_FILTER_WORD = 8
/** Words of a record are counted in 24 bits. */
const MAX_WORDS = 2 ** 24 - 2
const PLACE = 0xffffff

/** How many bits of the hash choose the shard, from above; the slot is chosen from below. */
export const SHARD_BITS = 10

const NONE = new Uint32Array(0)

export class ListShard {
  words = NONE
  #slots = NONE
  #filter = NONE
  #used = 0
  count = 0
  /** No entry ends before this second. */
  firstEndSec = Infinity

  /** Where the record begins; -1 when there is none with this hash, these facts and this text. */
  find(hash: number, same: number, sameMask: number, text: PackedText): number {
    const filter = this.#filter
    if (filter.length === 0) return -1
    const bits = bitsOf(hash)
    if (((filter[(hash >>> 5) & (filter.length - 1)] as number) & bits) !== bits) return -1
    const slots = this.#slots
    const mask = slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const content = slots[slot] as number
      if (content === 0) return -1
      if (((content ^ (hash << 2)) & ~PLACE) !== 0) continue
      const at = (content & PLACE) - 1
      if (((this.words[at + META] as number) & sameMask) >>> 0 === same && this.#hasText(at + TEXT, text)) return at
    }
  }

  #hasText(start: number, { words: wanted, count }: PackedText): boolean {
    const { words } = this
    for (let index = 0; index < count; index += 1) if (words[start + index] !== wanted[index]) return false
    return true
  }

  /** Adds a record that is not there yet; its times are for the caller to set, and `firstEndSec` with them. */
  insert(hash: number, meta: number, text: PackedText): number {
    const size = TEXT + text.count
    if (this.#used + size > this.words.length || this.count + 1 > this.#slots.length * MAX_LOAD)
      this.#rebuild(size, () => true)
    const at = this.#used
    this.words[at] = hash
    this.words[at + META] = meta
    this.words.set(text.words.subarray(0, text.count), at + TEXT)
    this.#used += size
    this.count += 1
    this.#occupy(hash, at)
    return at
  }

  /** Keeps the records that `isKept` says yes to, and gives back what the others took. */
  retain(isKept: (at: number) => boolean): void {
    this.#rebuild(0, isKept)
  }

  /** Visits the records, in the order in which they came. */
  forEach(visit: (at: number) => void): void {
    for (let at = 0; at < this.#used; at += sizeOf(this.words, at)) visit(at)
  }

  get bytes(): number {
    return this.words.byteLength + this.#slots.byteLength + this.#filter.byteLength
  }

  #occupy(hash: number, at: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = ((hash << 2) & ~PLACE) | (at + 1)
    const word = (hash >>> 5) & (this.#filter.length - 1)
    this.#filter[word] = (this.#filter[word] as number) | bitsOf(hash)
  }

  #rebuild(room: number, isKept: (at: number) => boolean): void {
    const kept: number[] = []
    let size = room
    this.forEach((at) => {
      if (!isKept(at)) return
      kept.push(at)
      size += sizeOf(this.words, at)
    })
    const before = this.words
    const count = kept.length + (room === 0 ? 0 : 1)
    if (size > MAX_WORDS) throw new RangeError('the block list is full')
    this.words = count === 0 ? NONE : new Uint32Array(Math.min(Math.ceil(size * RECORD_GROWTH), MAX_WORDS))
    let slots = LEAST_SLOTS
    while (count > slots * MAX_LOAD) slots *= 2
    this.#slots = count === 0 ? NONE : new Uint32Array(slots)
    this.#filter = count === 0 ? NONE : new Uint32Array(slots / SLOTS_PER_FILTER_WORD)
    this.#used = 0
    this.count = kept.length
    this.firstEndSec = Infinity
    for (const at of kept) {
      const length = sizeOf(before, at)
      this.words.set(before.subarray(at, at + length), this.#used)
      this.#occupy(before[at] as number, this.#used)
      this.firstEndSec = Math.min(this.firstEndSec, before[at + UNTIL] as number)
      this.#used += length
    }
  }
}

/** Two bits of a filter's word, by parts of the hash that choose neither shard nor word. */
function bitsOf(hash: number): number {
  return (1 << (hash & 31)) | (1 << (hash >>> 17))
}

/** meta: kind 2 bits, reason 2, wide 1, issuer 11, number of characters 16. */
export function metaOf(kind: number, reason: number, wide: boolean, issuer: number, length: number): number {
  return (kind | (reason << 2) | (wide ? 16 : 0) | (issuer << 5) | (length << 16)) >>> 0
}

/** All of meta but the reason: what must be the same for two entries to be one. */
export const SAME_MASK = ~0b1100 >>> 0

export function kindOf(meta: number): number {
  return meta & 3
}

export function reasonOf(meta: number): number {
  return (meta >>> 2) & 3
}

export function isWide(meta: number): boolean {
  return (meta & 16) !== 0
}

export function issuerOf(meta: number): number {
  return (meta >>> 5) & 2047
}

export function lengthOf(meta: number): number {
  return meta >>> 16
}

function sizeOf(words: Uint32Array, at: number): number {
  const meta = words[at + META] as number
  return TEXT + (isWide(meta) ? (lengthOf(meta) + 1) >>> 1 : (lengthOf(meta) + 3) >>> 2)
}
