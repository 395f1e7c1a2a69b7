// Packs texts into 32-bit words and computes their keyed hash, for lookups in the block list.
import { randomFillSync } from 'node:crypto'

/** A packed text, four characters per word (two if any needs more than one byte). The buffer is reused by the next text. */
export interface PackedText {
  readonly words: Uint32Array
  /** Number of words in use. */
  readonly count: number
  /** True for two characters per word. */
  readonly wide: boolean
  /** Keyed hash of the text and its `facts`: a signed 32-bit integer, which V8 stores without an allocation. */
  readonly hash: number
}

/**
 * `facts` is a word that is hashed with the text; it must include the length of the text. `isDigest` declares that a text of 43
 * characters is a SHA-256 in base64url. Each call overwrites the previous result.
 */
export type Packer = (text: string, facts: number, isDigest: boolean) => PackedText

/** Length of a SHA-256 in base64url. */
const DIGEST_LENGTH = 43

/**
 * Creates a packer. The words depend on the text only, the hash also on `facts`. Nobody can choose texts that collide: for a
 * digest it hashes eight characters, 48 bits of SHA-256; for any other text all characters, by HalfSipHash-1-3 (Aumasson and
 * Bernstein; used by Linux's hash tables) with a random key for each process. Hashing a whole token id took a tenth of a
 * lookup.
 */
export function createPacker(maxCharacters: number, key = randomFillSync(new Uint32Array(2))): Packer {
  const [k0 = 0, k1 = 0] = key
  const words = new Uint32Array(Math.ceil(maxCharacters / 2))
  const packed = { words, count: 0, wide: false, hash: 0 }

  function packWide(text: string): void {
    const count = (text.length + 1) >>> 1
    for (let index = 0; index < count; index += 1) {
      const at = index * 2
      words[index] = text.charCodeAt(at) | ((at + 1 < text.length ? text.charCodeAt(at + 1) : 0) << 16)
    }
    packed.wide = true
    packed.count = count
  }

  function packText(text: string): void {
    const { length } = text
    let seen = 0
    let count = 0
    let at = 0
    for (; at + 4 <= length; at += 4, count += 1) {
      const a = text.charCodeAt(at)
      const b = text.charCodeAt(at + 1)
      const c = text.charCodeAt(at + 2)
      const d = text.charCodeAt(at + 3)
      seen |= a | b | c | d
      words[count] = a | (b << 8) | (c << 16) | (d << 24)
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
    packed.wide = false
    packed.count = count
    if (seen > 0xff) packWide(text)
  }

  /** One round for each word, one for `facts` (which includes the length), three to finish. */
  function halfSipHash(facts: number): number {
    const { count } = packed
    let v0 = k0
    let v1 = k1
    let v2 = 0x6c796765 ^ k0
    let v3 = 0x74656462 ^ k1
    for (let round = 0; round < count + 4; round += 1) {
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
    return v1 ^ v3
  }

  /** The finalizer of MurmurHash3 (Appleby). It spreads the bits of base64url characters over the whole word. */
  function spread(facts: number): number {
    let hash = Math.imul((words[0] as number) ^ k0, 0x9e3779b1) ^ (words[1] as number) ^ facts
    hash = Math.imul(hash ^ (hash >>> 16) ^ k1, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return hash ^ (hash >>> 16)
  }

  return function pack(text, facts, isDigest) {
    packText(text)
    packed.hash = isDigest && text.length === DIGEST_LENGTH ? spread(facts) : halfSipHash(facts)
    return packed
  }
}

/** Returns the text of `length` characters that was packed into these words. */
export function unpack(words: Uint32Array, length: number, wide: boolean): string {
  const codes = new Array<number>(length)
  for (let index = 0; index < length; index += 1) {
    codes[index] = wide
      ? ((words[index >>> 1] as number) >>> ((index & 1) << 4)) & 0xffff
      : ((words[index >>> 2] as number) >>> ((index & 3) << 3)) & 0xff
  }
  return String.fromCharCode(...codes)
}
