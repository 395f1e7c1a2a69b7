// Signs tokens in the gateway's own name, successors and assertions, and names the keys that verify them.
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'

import type { SigningKeyOptions } from '../../options/issuer/renewal.ts'
import { kidInPem } from './kid-in-pem.ts'
import { createTokenSigner } from './sign-token.ts'
import type { Claims } from '../../authenticate/auth-result.ts'
import { writeExactJson } from '../../message/json/exact-json.ts'

/** The options of a signing key, with the content of its PEM file. */
export type SigningKeyMaterial = Readonly<Pick<SigningKeyOptions, 'kid' | 'alg'>> &
  ({ readonly pem: string } | { readonly secret: NonNullable<SigningKeyOptions['secret']> })

/** The parts of a signing key that verifiers need. */
export interface KeyHalves {
  readonly kid: string
  /** JWK that verifies signatures. For HS* it is the secret itself: never publish it. */
  readonly verificationKey: JsonWebKey
  /** JWK for publication; undefined for HS*. */
  readonly publicKey: JsonWebKey | undefined
}

export interface TokenIssuer extends KeyHalves {
  /** Returns a signed token. `typ` is that of its predecessor. */
  sign(claims: Claims, typ: string): string
  /** Returns the `jti` of a successor, which is not predictable without the key. */
  jtiOf(tokenId: string): string
}

/** The members of a JWK thumbprint, in the order of RFC 7638 section 3.2. */
const THUMBPRINT_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
}

function thumbprintOf(jwk: JsonWebKey): string {
  const members = THUMBPRINT_MEMBERS[jwk.kty ?? ''] ?? ['kty']
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]]))))
    .digest('base64url')
}

/** Derives a separate key for ids (HKDF, RFC 5869), so that ids reveal nothing about the signing key. */
function idKeyOf(key: KeyObject): Buffer {
  const material = key.type === 'secret' ? key.export() : key.export({ type: 'pkcs8', format: 'der' })
  return Buffer.from(hkdfSync('sha256', material, '', 'tollgate renewal jti', 32))
}

function readKey(material: SigningKeyMaterial): KeyObject | string {
  if ('secret' in material) return createSecretKey(material.secret.value, material.secret.encoding)
  try {
    return createPrivateKey(material.pem.trim())
  } catch {
    return 'the signing key is not a private key in PEM, or is locked with a password'
  }
}

function halvesOf(key: KeyObject, material: SigningKeyMaterial): KeyHalves {
  const { alg, kid: named = 'pem' in material ? kidInPem(material.pem) : undefined } = material
  const publicJwk = key.type === 'secret' ? undefined : publicHalfOf(key).export({ format: 'jwk' })
  const kid =
    named ??
    (publicJwk === undefined
      ? createHmac('sha256', idKeyOf(key)).update('kid').digest('base64url').slice(0, 22)
      : thumbprintOf(publicJwk))
  const common = { kid, alg, use: 'sig' }
  const publicKey = publicJwk === undefined ? undefined : { ...publicJwk, ...common }
  return {
    kid,
    publicKey,
    verificationKey: publicKey ?? { kty: 'oct', k: (key.export() as Buffer).toString('base64url'), ...common },
  }
}

function publicHalfOf(key: KeyObject): KeyObject {
  return key.type === 'public' ? key : createPublicKey(key)
}

/** Reads a key that verifies successors signed elsewhere. Returns a message for the operator when it cannot be used. */
export function readVerificationKey(material: SigningKeyMaterial): KeyHalves | string {
  if ('secret' in material) return halvesOf(createSecretKey(material.secret.value, material.secret.encoding), material)
  try {
    return halvesOf(createPublicKey(material.pem.trim()), material)
  } catch {
    return 'a verification key is no key or certificate in PEM, or is locked with a password'
  }
}

/** Creates the signer. Returns a message for the operator when the key cannot be used. */
export function createTokenIssuer(material: SigningKeyMaterial): TokenIssuer | string {
  const key = readKey(material)
  if (typeof key === 'string') return key
  const { alg } = material
  const idKey = idKeyOf(key)
  const halves = halvesOf(key, material)
  const { kid } = halves
  const unusable = `the signing key cannot be used with ${alg}`
  const signToken = createTokenSigner(key, alg)
  if (signToken === undefined) return unusable
  try {
    signToken('{}', '{}')
  } catch {
    return unusable
  }
  return {
    sign: (claims, typ) => signToken(JSON.stringify({ alg, typ, kid }), writeExactJson(claims)),
    jtiOf: (tokenId) => createHmac('sha256', idKey).update(`jti${tokenId}`).digest('base64url').slice(0, 22),
    ...halves,
  }
}
