// Caches good signatures: 44 bytes for each token, outside of V8's heap, so that a million of them slow nothing down.
import { hash } from 'node:crypto'

import type { VerificationKey } from '../keys/key-set.ts'
import type { GoodSignature, SignatureCheck } from '../keys/signature-check.ts'
import { tokenIdOf } from '../token/token-id.ts'
import type { UnverifiedToken } from '../token/token-shape.ts'

/** When it is asked: in seconds, and the number of this look-up, counted from the start. */
export interface Asked {
  readonly nowSec: number
  readonly lookup: number
}

export interface SignatureCache {
  /**
   * Who of `keys` made the signature: from the cache, or by `check`, and what that finds is kept in the place of the one that was
   * checked longest ago. Undefined when it was none of them.
   */
  recall(
    token: UnverifiedToken,
    keys: readonly VerificationKey[],
    asked: Asked,
    check: SignatureCheck['check'],
  ): GoodSignature | undefined
  has(rawToken: string): boolean
  readonly size: number
}

// A record: sha256(id "." signature), the serial of the key, the second from which it does not count, the look-up that asked for
// it last.
const DIGEST_WORDS = 8
const KEY = 8
const UNTIL = 9
const LOOKUP = 10
const WORDS = 11
const MOST_SECONDS = 2 ** 32 - 1
const NONE = -1
const FREE = 0

/**
 * Buys the signature check of each token that there is no room to keep ready: 4 to 7 us instead of 20 to 130. Without it such a
 * token is verified with each request (decision 0017).
 *
 * All of it is taken from the start; what was never used costs address space alone. Records stand in the order in which they
 * were made, the newest in the place of the oldest; `slots` leads from a digest to its record (open addressing). Nobody can
 * choose where a digest leads: only tokens with a good signature have records.
 */
export function createSignatureCache(maxTokens: number): SignatureCache {
  const records = new Uint32Array(maxTokens * WORDS)
  const mask = 2 ** Math.ceil(Math.log2(maxTokens * 2)) - 1
  /** Number of the record plus one. */
  const slots = new Int32Array(mask + 1)
  const bytes = Buffer.alloc(DIGEST_WORDS * 4)
  const wanted = new Uint32Array(bytes.buffer, bytes.byteOffset, DIGEST_WORDS)
  let size = 0
  let next = 0

  function homeOf(at: number): number {
    return (records[at] as number) & mask
  }

  function isWanted(at: number): boolean {
    for (let word = 0; word < DIGEST_WORDS; word += 1) if (records[at + word] !== wanted[word]) return false
    return true
  }

  /** Where the token's record begins. Leaves its digest in `wanted`. */
  function find(id: string, signature: string): number {
    // As text: a digest in a Buffer takes twice as long. `binary` is how hash() spells latin1.
    bytes.write(hash('sha256', `${id}.${signature}`, 'binary'), 'latin1')
    for (let slot = (wanted[0] as number) & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot] as number
      if (number === FREE) return NONE
      const at = (number - 1) * WORDS
      if (isWanted(at)) return at
    }
  }

  /** Frees the slot of the next record, and closes the gap: whoever stands behind it must be found from its home on. */
  function forgetOldest(): void {
    let gap = homeOf(next * WORDS)
    while (slots[gap] !== next + 1) gap = (gap + 1) & mask
    for (let slot = (gap + 1) & mask; slots[slot] !== FREE; slot = (slot + 1) & mask) {
      const number = slots[slot] as number
      const fromHome = (slot - homeOf((number - 1) * WORDS)) & mask
      if (fromHome < ((slot - gap) & mask)) continue
      slots[gap] = number
      gap = slot
    }
    slots[gap] = FREE
  }

  /** A new record for what is in `wanted`. */
  function add(): number {
    if (size === maxTokens) forgetOldest()
    else size += 1
    const at = next * WORDS
    for (let word = 0; word < DIGEST_WORDS; word += 1) records[at + word] = wanted[word] as number
    let slot = homeOf(at)
    while (slots[slot] !== FREE) slot = (slot + 1) & mask
    slots[slot] = next + 1
    next = next + 1 === maxTokens ? 0 : next + 1
    return at
  }

  return {
    recall(token, keys, { nowSec, lookup }, check) {
      const found = find(token.id, token.signature)
      if (found !== NONE && nowSec < (records[found + UNTIL] as number)) {
        const key = keys.find(({ serial }) => serial === records[found + KEY])
        if (key !== undefined) {
          const lookupsAgo = (lookup - (records[found + LOOKUP] as number)) >>> 0
          records[found + LOOKUP] = lookup
          return { key, untilSec: records[found + UNTIL] as number, lookupsAgo }
        }
      }
      const checked = check(token, keys, nowSec)
      if (checked === undefined) return undefined
      const at = found === NONE ? add() : found
      records[at + KEY] = checked.key.serial
      records[at + UNTIL] = Math.min(checked.untilSec, MOST_SECONDS)
      records[at + LOOKUP] = lookup
      return checked
    },
    has: (rawToken) => find(tokenIdOf(rawToken), rawToken.slice(rawToken.lastIndexOf('.') + 1)) !== NONE,
    get size() {
      return size
    },
  }
}
