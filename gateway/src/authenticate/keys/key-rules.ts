// Decides which algorithms a key may be used with: by the key, never by the token alone (RFC 8725 section 3.1).
import type { KeyObject } from 'node:crypto'

import type { Algorithm } from '../../options/tokens.ts'

const HMAC_MIN_BYTES: Readonly<Partial<Record<Algorithm, number>>> = { HS256: 32, HS384: 48, HS512: 64 }
// RFC 7518 section 3.4 ties each ES* to one curve. secp256k1 is no ES256, although its sizes fit.
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

/** RFC 9864 names each curve. RFC 8037 had one name for both, which most issuers still use. */
const OLDER_NAMES: Readonly<Partial<Record<string, Algorithm>>> = { Ed25519: 'EdDSA', Ed448: 'EdDSA' }

/** Returns the older name of an algorithm, which every verifier knows; the same name if there is no older one. */
export function olderNameOf(algorithm: Algorithm): Algorithm {
  return OLDER_NAMES[algorithm] ?? algorithm
}

/** True when `name` is a name of this algorithm, in a token, key or config. */
export function isCalled(algorithm: Algorithm, name: unknown): boolean {
  return algorithm === name || OLDER_NAMES[algorithm] === name
}

/** Returns all names of these algorithms. EdDSA and the newer names are equal for the curves that both include. */
export function namesOf(algorithms: readonly string[]): ReadonlySet<string> {
  const newer = Object.keys(OLDER_NAMES).filter((name) =>
    algorithms.some((algorithm) => isCalled(name as Algorithm, algorithm)),
  )
  return new Set([...algorithms, ...newer, ...newer.map((name) => OLDER_NAMES[name] as string)])
}

/** Returns the algorithms of a key, by their newest names; [] for an unsupported type or curve. */
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

/** Describes the type of a key, such as `EC, secp256k1`. */
export function kindOf(key: KeyObject): string {
  if (key.type === 'secret') return 'a secret'
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {}
  const more = namedCurve ?? (modulusLength === undefined ? undefined : `${modulusLength} bits`)
  return `${key.asymmetricKeyType?.toUpperCase() ?? 'unknown'}${more === undefined ? '' : `, ${more}`}`
}

/** Returns why this key is too weak for the algorithm; undefined when it is not. */
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
