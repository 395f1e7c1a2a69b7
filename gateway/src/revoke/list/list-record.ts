// Defines the layout of a block list entry in 32-bit words, and the bits of its meta word.

/*
 * A line is 16 words, which is one cache line of the processor: hash, begins, until, issued before, meta, and 11 words of
 * packed text, enough for a token id. A longer text continues in further lines; the last word of each line is the slot of the
 * next.
 */
export const LINE = 16
export const HASH = 0
export const BEGINS = 1
export const UNTIL = 2
export const ISSUED_BEFORE = 3
export const META = 4
export const TEXT = 5
export const NEXT = LINE - 1

/** Words of text that fit into the first line when no line follows. */
const SHORT = LINE - TEXT

/** Returns how many words of a text of `count` words are in the first line. */
export function firstPartOf(count: number): number {
  return count <= SHORT ? count : SHORT - 1
}

/** Returns the number of lines that a text of `count` words needs. */
export function linesFor(count: number): number {
  return count <= SHORT ? 1 : 1 + Math.ceil((count - SHORT + 1) / NEXT)
}

export const REASON_SHIFT = 3
const WIDE = 32
export const MAX_ISSUERS = 1024

/** Packs the meta word: kind 3 bits, reason 2, wide 1, issuer 10, number of characters 16. */
export function metaOf(kind: number, reason: number, wide: boolean, issuer: number, length: number): number {
  return kind | (reason << REASON_SHIFT) | (wide ? WIDE : 0) | (issuer << 6) | (length << 16)
}

/** Mask of meta without the reason: two entries with equal bits here and equal texts have the same key. */
export const SAME_MASK = ~(3 << REASON_SHIFT)

export function kindOf(meta: number): number {
  return meta & 7
}

export function reasonOf(meta: number): number {
  return (meta >>> REASON_SHIFT) & 3
}

export function isWide(meta: number): boolean {
  return (meta & WIDE) !== 0
}

export function issuerOf(meta: number): number {
  return (meta >>> 6) & (MAX_ISSUERS - 1)
}

export function lengthOf(meta: number): number {
  return meta >>> 16
}

/** Number of words of text. */
export function textWordsOf(meta: number): number {
  return isWide(meta) ? (lengthOf(meta) + 1) >>> 1 : (lengthOf(meta) + 3) >>> 2
}
