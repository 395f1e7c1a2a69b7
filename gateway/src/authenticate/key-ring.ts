// The keys of one issuer in use: replaced as a whole, never merged, so that a withdrawn key is gone at once.
import type { KeySet, VerificationKey } from './key-set.ts'
import type { TokenHeader } from './token-shape.ts'

/** What a replacement changed, by kid (or algorithm, where a key has no kid). */
export interface KeyChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export interface KeyRing {
  /** The keys that may have signed a token with this header; [] when the issuer has none that fits. */
  find(header: TokenHeader): readonly VerificationKey[]
  /** Puts these keys in the place of all others. Keys that stay keep their tokens, all others lose theirs at once. */
  replace(keys: readonly VerificationKey[]): KeyChange
  readonly size: number
  names(): readonly string[]
}

const NONE: readonly VerificationKey[] = []

function nameOf(key: VerificationKey): string {
  return key.kid ?? key.algorithm
}

function namesOf(keys: readonly VerificationKey[]): string[] {
  return [...new Set(keys.map(nameOf))]
}

/** `own`: keys that are found by their kid and stay whatever the issuer publishes; they count in neither size nor names. */
export function createKeyRing(first: KeySet['keys'] = [], own: KeySet['keys'] = []): KeyRing {
  let keys = first

  return {
    get size() {
      return keys.length
    },
    names: () => namesOf(keys),

    find({ kid, alg }) {
      if (kid !== undefined && own.some((key) => key.kid === kid))
        return [...keys, ...own].filter((key) => key.kid === kid && key.algorithm === alg)
      const [only] = keys
      if (only !== undefined && keys.length === 1) {
        // The commonest ring by far, and nothing to choose.
        return only.algorithm === alg && (kid === undefined || only.kid === undefined || only.kid === kid) ? keys : NONE
      }
      const fitting = keys.filter((key) => key.algorithm === alg)
      if (kid !== undefined) {
        const named = fitting.filter((key) => key.kid === kid)
        if (named.length > 0) return named
      }
      // No kid to go by: guessing among several keys would make the choice the token's (RFC 8725 section 3.10).
      const nameless = kid === undefined ? fitting : fitting.filter((key) => key.kid === undefined)
      return nameless.length === 1 ? nameless : NONE
    },

    replace(next) {
      const kept = new Map(keys.map((key) => [key.fingerprint, key]))
      const merged = next.map((key) => kept.get(key.fingerprint) ?? key)
      const staying = new Set(merged)
      const gone = keys.filter((key) => !staying.has(key))
      const before = new Set(keys)
      for (const key of gone) key.live = false
      keys = merged
      return { added: namesOf(merged.filter((key) => !before.has(key))), removed: namesOf(gone) }
    },
  }
}
