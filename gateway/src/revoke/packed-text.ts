// Texts as 32-bit words, and their keyed hash: what the block list compares and finds its entries by.
import { randomFillSync } from 'node:crypto'

/** A text packed four characters to a word (two where one needs more than a byte), in a buffer that is used again and again. */
export interface PackedText {
  readonly words: Uint32Array
  /** Words in use. */
  readonly count: number
  /** Two characters to a word. */
  readonly wide: boolean
}

/** The same text always gives the same words; what was packed before is overwritten. */
export function createPacker(maxCharacters: number): (text: string) => PackedText {
  const packed = { words: new Uint32Array(Math.ceil(maxCharacters / 2)), count: 0, wide: false }
  const { words } = packed

  function packWide(text: string): PackedText {
    packed.wide = true
    packed.count = (text.length + 1) >>> 1
    for (let index = 0; index < packed.count; index += 1) {
      const at = index * 2
      words[index] = text.charCodeAt(at) | ((at + 1 < text.length ? text.charCodeAt(at + 1) : 0) << 16)
    }
    return packed
  }

  return function pack(text) {
    const { length } = text
    let count = 0
    let seen = 0
    let at = 0
    // Four at a time: a token's id takes half as long as it did one by one.
    for (; at + 4 <= length; at += 4) {
      const [a, b, c, d] = [
        text.charCodeAt(at),
        text.charCodeAt(at + 1),
        text.charCodeAt(at + 2),
        text.charCodeAt(at + 3),
      ]
      seen |= a | b | c | d
      words[count] = a | (b << 8) | (c << 16) | (d << 24)
      count += 1
    }
    if (at < length) {
      let word = 0
      for (let shift = 0; at < length; at += 1, shift += 8) {
        const code = text.charCodeAt(at)
        seen |= code
        word |= code << shift
      }
      words[count] = word
      count += 1
    }
    if (seen > 0xff) return packWide(text)
    packed.wide = false
    packed.count = count
    return packed
  }
}

/** The text of `length` characters that was packed into the words from `start` on. */
export function unpack(words: Uint32Array, start: number, length: number, wide: boolean): string {
  const codes = new Array<number>(length)
  for (let index = 0; index < length; index += 1) {
    codes[index] = wide
      ? ((words[start + (index >>> 1)] as number) >>> ((index & 1) << 4)) & 0xffff
      : ((words[start + (index >>> 2)] as number) >>> ((index & 3) << 3)) & 0xff
  }
  return String.fromCharCode(...codes)
}

/** The hash of a packed text with `head`, a word of other facts that belong to it. */
export type KeyedHash = (head: number, text: PackedText) => number

/**
 * HalfSipHash-1-3 (Aumasson and Bernstein; the one of Linux's hash tables): without its key, which is drawn at each start,
 * nobody can choose texts that fall into one place, as they could with a hash that is merely seeded. 32 bits.
 */
export function createKeyedHash(key: Uint32Array = randomFillSync(new Uint32Array(2))): KeyedHash {
  const [k0 = 0, k1 = 0] = key

  return function hash(head, { words, count }) {
    let v0 = k0
    let v1 = k1
    let v2 = 0x6c796765 ^ k0
    let v3 = 0x74656462 ^ k1
    let message = head
    // Rounds: head, each word, the length, and three to finish.
    for (let round = 0; round < count + 5; round += 1) {
      v3 ^= message
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= message
      if (round < count) message = words[round] as number
      else if (round === count) message = count << 24
      else {
        message = 0
        if (round === count + 1) v2 ^= 0xff
      }
    }
    return (v1 ^ v3) >>> 0
  }
}
