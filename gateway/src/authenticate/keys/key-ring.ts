// The keys of one issuer in use: replaced as a whole, never merged, so that a withdrawn key is gone at once.
import { isCalled } from './key-rules.ts'
import type { KeySet, VerificationKey } from './key-set.ts'
import type { TokenHeader } from '../token/token-shape.ts'

/** What a replacement changed, by kid (or algorithm, where a key has no kid). */
export interface KeyChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Those added that are not among the keys withdrawn before. */
  readonly fresh: readonly VerificationKey[]
}

export interface KeyRing {
  /** The keys that may have signed a token with this header; [] when the issuer has none that fits. */
  find(header: TokenHeader): readonly VerificationKey[]
  /** Keys that might have signed it before they were withdrawn, the latest first. They are for telling old tokens, not to believe them. */
  findWithdrawn(header: TokenHeader): readonly VerificationKey[]
  /** Puts these keys in the place of all others. Keys that stay keep their tokens, all others lose theirs at once. */
  replace(keys: readonly VerificationKey[]): KeyChange
  readonly size: number
  names(): readonly string[]
}

const NONE: readonly VerificationKey[] = []
/** Whole sets, as large as they may be; of an issuer that rotates every second the last minutes. */
const MAX_WITHDRAWN = 100

function nameOf(key: VerificationKey): string {
  return key.kid ?? key.algorithm
}

function namesOf(keys: readonly VerificationKey[]): string[] {
  return [...new Set(keys.map(nameOf))]
}

/**
 * Named keys come first; a key without kid may have signed under any. Where the token has no kid, each key that fits its
 * algorithm may have (RFC 7515 section 4.1.4 leaves kid out at will), as Envoy and go-oidc do.
 */
function fitting(keys: readonly VerificationKey[], { kid, alg }: TokenHeader): readonly VerificationKey[] {
  const [only] = keys
  if (only !== undefined && keys.length === 1) {
    // The commonest ring by far, and nothing to choose.
    return isCalled(only.algorithm, alg) && (kid === undefined || only.kid === undefined || only.kid === kid)
      ? keys
      : NONE
  }
  const able = keys.filter(({ algorithm }) => isCalled(algorithm, alg))
  if (kid === undefined) return able
  const named = able.filter((key) => key.kid === kid)
  return named.length > 0 ? named : able.filter((key) => key.kid === undefined)
}

/** `own`: keys that are found by their kid and stay whatever the issuer publishes; they count in neither size nor names. */
export function createKeyRing(first: KeySet['keys'] = [], own: KeySet['keys'] = []): KeyRing {
  let keys = first
  let withdrawn = NONE

  return {
    get size() {
      return keys.length
    },
    names: () => namesOf(keys),

    find(header) {
      const { kid, alg } = header
      if (kid !== undefined && own.some((key) => key.kid === kid))
        return [...keys, ...own].filter((key) => key.kid === kid && isCalled(key.algorithm, alg))
      return fitting(keys, header)
    },

    findWithdrawn: (header) => fitting(withdrawn, header),

    replace(next) {
      const kept = new Map(keys.map((key) => [key.fingerprint, key]))
      // A key that is published twice is one key.
      const merged = [...new Map(next.map((key) => [key.fingerprint, kept.get(key.fingerprint) ?? key])).values()]
      const staying = new Set(merged)
      const gone = keys.filter((key) => !staying.has(key))
      const before = new Set(keys)
      for (const key of gone) key.live = false
      keys = merged
      const added = merged.filter((key) => !before.has(key))
      const old = new Set(withdrawn.map(({ fingerprint }) => fingerprint))
      const here = new Set(merged.map(({ fingerprint }) => fingerprint))
      withdrawn = [...gone, ...withdrawn.filter(({ fingerprint }) => !here.has(fingerprint))].slice(0, MAX_WITHDRAWN)
      return {
        added: namesOf(added),
        removed: namesOf(gone),
        fresh: added.filter(({ fingerprint }) => !old.has(fingerprint)),
      }
    },
  }
}
