// Creates the signature check of a key and an algorithm, when the key is loaded (RFC 7518 section 3).
import { constants, createHmac, createVerify, timingSafeEqual, verify, type KeyObject } from 'node:crypto'

import { decodeBase64url } from '../token/base64url.ts'
import { algorithmsOfKey, isCalled, olderNameOf } from './key-rules.ts'
import type { Algorithm } from '../../options/tokens.ts'
import { OPENING_IS_FASTER, openedBy, type BytesCheck } from './rsa-signature.ts'
import { idOfSigned } from '../token/token-id.ts'
import type { UnverifiedToken } from '../token/token-shape.ts'

/** True when this key made the token's signature. Checks no claims. */
export type SignatureCheck = (token: Pick<UnverifiedToken, 'header' | 'signed' | 'signature' | 'id'>) => boolean

const HMAC_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }
// R and S, each with the length of the curve's order (RFC 7518 section 3.4): 66 bytes for the 521 bits of P-521.
const ECDSA_BYTES: Readonly<Record<string, number>> = { ES256: 64, ES384: 96, ES512: 132 }
const EDDSA_BYTES: Readonly<Record<string, number>> = { ed25519: 64, ed448: 114 } // RFC 8032

/** Returns the length of signatures in bytes. Every JWS algorithm has one length for one key. */
function signatureBytes(key: KeyObject, algorithm: Algorithm): number {
  return (
    HMAC_BYTES[algorithm] ??
    ECDSA_BYTES[algorithm] ??
    EDDSA_BYTES[key.asymmetricKeyType ?? ''] ??
    Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)
  )
}

/** Verifies with a streamed hash: crypto.verify() costs 4 % more for RS256, because it needs the text in a Buffer. */
function hashed(key: Parameters<ReturnType<typeof createVerify>['verify']>[0], hash: string): BytesCheck {
  return ({ signed }, signature) => createVerify(hash).update(signed, 'latin1').verify(key, signature)
}

function bytesCheck(key: KeyObject, algorithm: Algorithm, length: number): BytesCheck {
  const hash = `sha${algorithm.slice(2)}`
  switch (algorithm.slice(0, 2)) {
    case 'HS':
      return ({ signed }, signature) =>
        timingSafeEqual(createHmac(hash, key).update(signed, 'latin1').digest(), signature)
    case 'RS': {
      // Created in either case, because it throws when the key is too short for the hash.
      const opened = openedBy(key, hash, length)
      return OPENING_IS_FASTER ? opened : hashed(key, hash)
    }
    case 'PS': {
      // RFC 7518 section 3.5: the salt is as long as the hash, and the mask generation uses the same hash.
      const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
      return hashed({ key, padding, saltLength }, hash)
    }
    case 'ES':
      return hashed({ key, dsaEncoding: 'ieee-p1363' }, hash)
    default:
      // EdDSA hashes the whole text itself (RFC 8032).
      return ({ signed }, signature) => verify(null, Buffer.from(signed, 'latin1'), key, signature)
  }
}

/**
 * Creates the check. The algorithm is fixed by the key: a token whose header names another one fails (RFC 8725 section 3.1).
 * Throws when the key cannot be used with the algorithm, so that this is found when the key is loaded.
 */
export function createSignatureCheck(key: KeyObject, algorithm: Algorithm): SignatureCheck {
  const name = algorithmsOfKey(key).find((each) => isCalled(each, algorithm))
  if (name === undefined) throw new TypeError(`this key is none for ${algorithm}`)
  const olderName = olderNameOf(name)
  const bytes = Buffer.alloc(signatureBytes(key, algorithm))
  const isRight = bytesCheck(key, algorithm, bytes.length)
  isRight({ signed: '', id: idOfSigned('') }, bytes)
  return function isSignedBy(token) {
    const { alg } = token.header
    if ((alg !== name && alg !== olderName) || decodeBase64url(token.signature, bytes) !== bytes.length) return false
    try {
      return isRight(token, bytes)
    } catch {
      // OpenSSL throws for some malformed signatures.
      return false
    }
  }
}
