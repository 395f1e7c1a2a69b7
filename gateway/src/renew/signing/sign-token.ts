// Signs a token from JSON text (RFC 7515 section 7.1), which keeps the digits of numbers; fast-jwt takes objects only.
import { constants, createHmac, sign, type KeyObject } from 'node:crypto'

/** Returns the token. Header and claims are JSON texts. */
export type SignToken = (header: string, claims: string) => string

const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' }

/** True when the key fits the algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1). */
function fits({ type, asymmetricKeyType, asymmetricKeyDetails }: KeyObject, alg: string): boolean {
  switch (alg.slice(0, 2)) {
    case 'HS':
      return type === 'secret'
    case 'RS':
      return asymmetricKeyType === 'rsa'
    case 'PS':
      return asymmetricKeyType === 'rsa' || asymmetricKeyType === 'rsa-pss'
    case 'ES':
      return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === CURVES[alg]
    default:
      // RFC 9864 names each curve, besides the older name for both.
      return (
        (asymmetricKeyType === 'ed25519' || asymmetricKeyType === 'ed448') &&
        (alg === 'EdDSA' || alg.toLowerCase() === asymmetricKeyType)
      )
  }
}

function signatureOf(key: KeyObject, alg: string): (signed: Buffer) => Buffer {
  const hash = `sha${alg.slice(2)}`
  switch (alg.slice(0, 2)) {
    case 'HS':
      return (signed) => createHmac(hash, key).update(signed).digest()
    case 'RS':
      return (signed) => sign(hash, signed, key)
    case 'PS': {
      // RFC 7518 section 3.5: the salt is as long as the hash.
      const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
      return (signed) => sign(hash, signed, { key, padding, saltLength })
    }
    case 'ES':
      // R and S concatenated (RFC 7518 section 3.4).
      return (signed) => sign(hash, signed, { key, dsaEncoding: 'ieee-p1363' })
    default:
      return (signed) => sign(null, signed, key)
  }
}

/** Creates a signer; undefined when the key does not fit the algorithm. Signing throws when the key is too short. */
export function createTokenSigner(key: KeyObject, alg: string): SignToken | undefined {
  if (!fits(key, alg)) return undefined
  const sign = signatureOf(key, alg)
  return (header, claims) => {
    const signed = `${Buffer.from(header).toString('base64url')}.${Buffer.from(claims).toString('base64url')}`
    return `${signed}.${sign(Buffer.from(signed, 'latin1')).toString('base64url')}`
  }
}
