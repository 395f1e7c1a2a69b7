// The current keys of one issuer. They are replaced as a whole, so that a withdrawn key is gone at once.
import { isCalled } from './key-rules.ts'
import type { KeySet, VerificationKey } from './key-set.ts'
import type { TokenHeader } from '../token/token-shape.ts'

/** The changes of a replacement, by `kid`, or by algorithm for a key without `kid`. */
export interface KeyChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Added keys that were not withdrawn before. */
  readonly fresh: readonly VerificationKey[]
}

export interface KeyRing {
  /** Returns the keys that may have signed a token with this header; [] for none. */
  find(header: TokenHeader): readonly VerificationKey[]
  /** Returns withdrawn keys that may have signed it, latest first. Only to recognise old tokens, never to accept them. */
  findWithdrawn(header: TokenHeader): readonly VerificationKey[]
  /** Replaces all keys. Cached tokens of keys that stay remain valid, those of removed keys become invalid at once. */
  replace(keys: readonly VerificationKey[]): KeyChange
  readonly size: number
  names(): readonly string[]
  /** What may be told of each key. */
  list(): readonly Pick<VerificationKey, 'kid' | 'algorithm'>[]
}

const NONE: readonly VerificationKey[] = []
/** Most withdrawn keys: one set of the largest size, or the last minutes of an issuer that rotates every second. */
const MAX_WITHDRAWN = 100

function nameOf(key: VerificationKey): string {
  return key.kid ?? key.algorithm
}

function namesOf(keys: readonly VerificationKey[]): string[] {
  return [...new Set(keys.map(nameOf))]
}

/**
 * Returns the keys with the token's `kid`, or else those without a `kid`. For a token without `kid`, which RFC 7515 section 4.1.4
 * allows, returns all keys of its algorithm, as Envoy and go-oidc do.
 */
function fitting(keys: readonly VerificationKey[], { kid, alg }: TokenHeader): readonly VerificationKey[] {
  const [only] = keys
  if (only !== undefined && keys.length === 1) {
    // The most common ring: nothing to choose.
    return isCalled(only.algorithm, alg) && (kid === undefined || only.kid === undefined || only.kid === kid)
      ? keys
      : NONE
  }
  const able = keys.filter(({ algorithm }) => isCalled(algorithm, alg))
  if (kid === undefined) return able
  const named = able.filter((key) => key.kid === kid)
  return named.length > 0 ? named : able.filter((key) => key.kid === undefined)
}

/** Creates a ring. `own`: the gateway's keys, found by `kid` only, never replaced, and not part of `size` and `names`. */
export function createKeyRing(first: KeySet['keys'] = [], own: KeySet['keys'] = []): KeyRing {
  let keys = first
  let withdrawn = NONE

  return {
    get size() {
      return keys.length
    },
    names: () => namesOf(keys),
    list: () => keys.map(({ kid, algorithm }) => ({ kid, algorithm })),

    find(header) {
      const { kid, alg } = header
      if (kid !== undefined && own.some((key) => key.kid === kid))
        return [...keys, ...own].filter((key) => key.kid === kid && isCalled(key.algorithm, alg))
      return fitting(keys, header)
    },

    findWithdrawn: (header) => fitting(withdrawn, header),

    replace(next) {
      const kept = new Map(keys.map((key) => [key.fingerprint, key]))
      // A key that is published twice counts once.
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
