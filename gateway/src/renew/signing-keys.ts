// The keys that sign an issuer's successors and those that verify them, read from the config.
import { readFileSync } from 'node:fs'

import { CannotStart } from '../failure.ts'
import type { Config } from '../options/config.ts'
import {
  createTokenIssuer,
  readVerificationKey,
  type KeyHalves,
  type SigningKeyMaterial,
  type TokenIssuer,
} from './token-issuer.ts'

export type RenewalConfig = NonNullable<Config['issuers'][number]['renewal']>

function usable<Key>(key: Key | string, issuer: string): Key {
  if (typeof key === 'string') throw new CannotStart(`issuer ${issuer}: renewal: ${key}`)
  return key
}

function materialOf(
  { kid, alg, pemFile, secret }: NonNullable<RenewalConfig['signingKey']>,
  issuer: string,
): SigningKeyMaterial {
  const named = { alg, ...(kid === undefined ? {} : { kid }) }
  return secret === undefined ? { ...named, pem: readPem(pemFile ?? '', issuer) } : { ...named, secret }
}

function readPem(file: string, issuer: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new CannotStart(`issuer ${issuer}: renewal: key file ${file} cannot be read`)
  }
}

/** Undefined where the issuer itself makes successors. Throws CannotStart, naming the issuer. */
export function readSigningKey({ signingKey }: RenewalConfig, issuer: string): TokenIssuer | undefined {
  if (signingKey === undefined) return undefined
  return usable(createTokenIssuer(materialOf(signingKey, issuer)), issuer)
}

/** All that verify: of the key that signs here, and of those that signed or will sign. Throws CannotStart, naming the issuer. */
export function readAllKeys(
  signer: TokenIssuer,
  { verificationKeys }: RenewalConfig,
  issuer: string,
): readonly KeyHalves[] {
  const byKid = new Map<string, KeyHalves>([[signer.kid, signer]])
  for (const options of verificationKeys) {
    const key = usable(readVerificationKey(materialOf(options, issuer)), issuer)
    if (byKid.has(key.kid)) throw new CannotStart(`issuer ${issuer}: renewal: two keys have the kid ${key.kid}`)
    byKid.set(key.kid, key)
  }
  return [...byKid.values()]
}
