// Texts as 32-bit words, and their keyed hash: what the block list compares and finds its entries by.
import { randomFillSync } from 'node:crypto'

/** A text packed four characters to a word (two where one needs more than a byte), in a buffer that is used again and again. */
export interface PackedText {
  readonly words: Uint32Array
  /** Words in use. */
  readonly count: number
  /** Two characters to a word. */
  readonly wide: boolean
  /** Keyed hash of the text, and of the facts that were given with it: 32 bits with a sign, since V8 keeps those without an object. */
  readonly hash: number
}

/** `facts` is a word that belongs to the text; it must hold the text's length. What was packed before is overwritten. */
export type Packer = (text: string, facts: number) => PackedText

/**
 * The same text always gives the same words, and with the same facts the same hash: HalfSipHash-1-3 (Aumasson and Bernstein;
 * the one of Linux's hash tables). Without its key, which is drawn at each start, nobody can choose texts that fall into one
 * place, as they could with a hash that is merely seeded.
 */
export function createPacker(maxCharacters: number, key = randomFillSync(new Uint32Array(2))): Packer {
  const [k0 = 0, k1 = 0] = key
  const words = new Uint32Array(Math.ceil(maxCharacters / 2))
  const packed = { words, count: 0, wide: false, hash: 0 }
  const state = new Int32Array(4)

  /** The hash's rounds for the words from `begin` on, for the facts (with the length), and three to finish. */
  function finish(begin: number, count: number, facts: number): PackedText {
    let v0 = state[0] as number
    let v1 = state[1] as number
    let v2 = state[2] as number
    let v3 = state[3] as number
    for (let round = begin; round < count + 4; round += 1) {
      const message = round < count ? (words[round] as number) : round === count ? facts : 0
      if (round === count + 1) v2 ^= 0xff
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
    }
    packed.hash = v1 ^ v3
    packed.count = count
    return packed
  }

  function packWide(text: string, facts: number): PackedText {
    const count = (text.length + 1) >>> 1
    for (let index = 0; index < count; index += 1) {
      const at = index * 2
      words[index] = text.charCodeAt(at) | ((at + 1 < text.length ? text.charCodeAt(at + 1) : 0) << 16)
    }
    state.set([k0, k1, 0x6c796765 ^ k0, 0x74656462 ^ k1])
    packed.wide = true
    return finish(0, count, facts)
  }

  return function pack(text, facts) {
    const { length } = text
    let v0 = k0
    let v1 = k1
    let v2 = 0x6c796765 ^ k0
    let v3 = 0x74656462 ^ k1
    let seen = 0
    let count = 0
    let at = 0
    // The rounds once more, while packing: the processor does both at the same time (a token's id: 69 ns, one after the other 91).
    for (; at + 4 <= length; at += 4) {
      const a = text.charCodeAt(at)
      const b = text.charCodeAt(at + 1)
      const c = text.charCodeAt(at + 2)
      const d = text.charCodeAt(at + 3)
      seen |= a | b | c | d
      const message = a | (b << 8) | (c << 16) | (d << 24)
      words[count] = message
      count += 1
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
    }
    const whole = count
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
    if (seen > 0xff) return packWide(text, facts)
    state[0] = v0
    state[1] = v1
    state[2] = v2
    state[3] = v3
    packed.wide = false
    return finish(whole, count, facts)
  }
}

/** The text of `length` characters that was packed into these words. */
export function unpack(words: Uint32Array, length: number, wide: boolean): string {
  const codes = new Array<number>(length)
  for (let index = 0; index < length; index += 1) {
    codes[index] = wide
      ? ((words[index >>> 1] as number) >>> ((index & 1) << 4)) & 0xffff
      : ((words[index >>> 2] as number) >>> ((index & 3) << 3)) & 0xff
  }
  return String.fromCharCode(...codes)
}
