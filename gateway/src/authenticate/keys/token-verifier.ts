// The signature check: one function per issuer, key and algorithm, made when the key is loaded (RFC 7518 section 3).
import { constants, createHmac, createVerify, timingSafeEqual, verify, type KeyObject } from 'node:crypto'

import { decodeBase64url } from '../token/base64url.ts'
import { algorithmsOfKey, isCalled, olderNameOf } from './key-rules.ts'
import type { Algorithm } from '../../options/tokens.ts'
import { OPENING_IS_FASTER, openedBy, type BytesCheck } from './rsa-signature.ts'
import { idOfSigned } from '../token/token-id.ts'
import type { UnverifiedToken } from '../token/token-shape.ts'

/** True when this key made the token's signature. Nothing else is looked at: claims have their own checks. */
export type SignatureCheck = (token: Pick<UnverifiedToken, 'header' | 'signed' | 'signature' | 'id'>) => boolean

const HMAC_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }
// R and S, each as long as the order of the curve (RFC 7518 section 3.4): P-521 needs 66 bytes for 521 bits.
const ECDSA_BYTES: Readonly<Record<string, number>> = { ES256: 64, ES384: 96, ES512: 132 }
const EDDSA_BYTES: Readonly<Record<string, number>> = { ed25519: 64, ed448: 114 } // RFC 8032

/** Every algorithm of a JWS has signatures of one length for one key; any other length is none of it. */
function signatureBytes(key: KeyObject, algorithm: Algorithm): number {
  return (
    HMAC_BYTES[algorithm] ??
    ECDSA_BYTES[algorithm] ??
    EDDSA_BYTES[key.asymmetricKeyType ?? ''] ??
    Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)
  )
}

/** crypto.verify() in one call costs 4 % more than this for RS256: it copies the text into a Buffer first. */
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
      // Made in either case: it says whether the key is long enough for the hash.
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
      // EdDSA hashes on its own, with the whole text in its hand (RFC 8032).
      return ({ signed }, signature) => verify(null, Buffer.from(signed, 'latin1'), key, signature)
  }
}

/**
 * The algorithm is the key's, made into the check here; a token whose header names another one is not signed with it, whatever
 * its signature is (RFC 8725 section 3.1). Throws when the key cannot serve, so that this is found when it is loaded and not
 * at the first token.
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
      // OpenSSL says of some bytes that they are no signature at all rather than a wrong one.
      return false
    }
  }
}
