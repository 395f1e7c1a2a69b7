// Which algorithms a key may be used with. The key decides, never the token alone (RFC 8725 section 3.1).
import type { KeyObject } from 'node:crypto'

import type { Algorithm } from '../../options/tokens.ts'

const HMAC_MIN_BYTES: Readonly<Partial<Record<Algorithm, number>>> = { HS256: 32, HS384: 48, HS512: 64 }
// RFC 7518 section 3.4 ties each ES* to its curve: secp256k1 is no ES256 though its sizes fit.
const ALGORITHM_OF_CURVE: Readonly<Record<string, Algorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}
const RSA_ALGORITHMS: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const HMAC_ALGORITHMS: readonly Algorithm[] = ['HS256', 'HS384', 'HS512']
const MIN_RSA_BITS = 2048
const MIN_RSA_EXPONENT = 65537n

export function isHmac(algorithm: Algorithm): boolean {
  return algorithm.startsWith('HS')
}

/** RFC 9864 gave each curve a name of its own; before, one name stood for both (RFC 8037), and most issuers still use it. */
const OLDER_NAMES: Readonly<Partial<Record<string, Algorithm>>> = { Ed25519: 'EdDSA', Ed448: 'EdDSA' }

/** The name that an algorithm had before, which every verifier knows; its own where it has but one. */
export function olderNameOf(algorithm: Algorithm): Algorithm {
  return OLDER_NAMES[algorithm] ?? algorithm
}

/** True when a token, key or config may call this algorithm of a key so. */
export function isCalled(algorithm: Algorithm, name: unknown): boolean {
  return algorithm === name || OLDER_NAMES[algorithm] === name
}

/** All names by which tokens may call these algorithms: EdDSA and the newer names are equal, as far as a curve is meant by both. */
export function namesOf(algorithms: readonly string[]): ReadonlySet<string> {
  const newer = Object.keys(OLDER_NAMES).filter((name) =>
    algorithms.some((algorithm) => isCalled(name as Algorithm, algorithm)),
  )
  return new Set([...algorithms, ...newer, ...newer.map((name) => OLDER_NAMES[name] as string)])
}

/** Algorithms that this kind of key can serve, by their newest names: [] for a kind or curve that none of them uses. */
export function algorithmsOfKey(key: KeyObject): readonly Algorithm[] {
  if (key.type === 'secret') return HMAC_ALGORITHMS
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return RSA_ALGORITHMS
    case 'ec': {
      const algorithm = ALGORITHM_OF_CURVE[key.asymmetricKeyDetails?.namedCurve ?? '']
      return algorithm === undefined ? [] : [algorithm]
    }
    case 'ed25519':
      return ['Ed25519']
    case 'ed448':
      return ['Ed448']
    default:
      return []
  }
}

/** What kind of key it is, such as `EC, secp256k1`. */
export function kindOf(key: KeyObject): string {
  if (key.type === 'secret') return 'a secret'
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {}
  const more = namedCurve ?? (modulusLength === undefined ? undefined : `${modulusLength} bits`)
  return `${key.asymmetricKeyType?.toUpperCase() ?? 'unknown'}${more === undefined ? '' : `, ${more}`}`
}

/** Why this key is too weak for the algorithm, or undefined. */
export function weaknessOf(key: KeyObject, algorithm: Algorithm): string | undefined {
  if (key.type === 'secret') {
    const needed = HMAC_MIN_BYTES[algorithm] ?? 0
    const bytes = key.symmetricKeySize ?? 0
    return bytes < needed
      ? `the secret has ${bytes} bytes, ${algorithm} needs ${needed} (RFC 7518 section 3.2)`
      : undefined
  }
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {}
  if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS)
    return `the RSA key has ${modulusLength} bits, ${MIN_RSA_BITS} are needed`
  if (publicExponent !== undefined && publicExponent < MIN_RSA_EXPONENT)
    return `the RSA key has the public exponent ${publicExponent}, at least 65537 is needed`
  return undefined
}
