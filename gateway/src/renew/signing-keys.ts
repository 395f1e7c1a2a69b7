// Reads the keys that sign and verify an issuer's successors.
import { CannotStart } from '../failure.ts'
import type { Config } from '../options/config.ts'
import { readNamedFile } from '../options/named-file.ts'
import {
  createTokenIssuer,
  readVerificationKey,
  type KeyHalves,
  type SigningKeyMaterial,
  type TokenIssuer,
} from './token-issuer.ts'

export type RenewalConfig = NonNullable<Config['issuers'][number]['renewal']>
type KeyOptions = NonNullable<RenewalConfig['signingKey']>

/** The path of a key option in the config, for errors. */
interface KeyOption {
  readonly issuer: string
  readonly path: readonly (string | number)[]
}

function cannotStart({ issuer, path }: KeyOption, reason: string, ...option: readonly string[]): CannotStart {
  return new CannotStart(`issuer ${issuer}: renewal: ${reason}`, [...path, ...option])
}

function materialOf({ kid, alg, pemFile, secret }: KeyOptions, option: KeyOption): SigningKeyMaterial {
  const named = { alg, ...(kid === undefined ? {} : { kid }) }
  return secret === undefined ? { ...named, pem: readPem(pemFile ?? '', option) } : { ...named, secret }
}

function readPem(file: string, { issuer, path }: KeyOption): string {
  return readNamedFile(`issuer ${issuer}: renewal: key file`, file, [...path, 'pemFile'])
}

function readKey<Key>(
  options: KeyOptions,
  option: KeyOption,
  compile: (material: SigningKeyMaterial) => Key | string,
): Key {
  const key = compile(materialOf(options, option))
  if (typeof key === 'string')
    throw cannotStart(option, key, ...(options.secret === undefined ? ['pemFile'] : ['secret', 'value']))
  return key
}

/** The renewal of an issuer, with the index of the issuer in the config. */
export interface OwnedRenewal {
  readonly options: RenewalConfig
  readonly issuer: string
  /** Index of the issuer in the config. */
  readonly index: number
}

/** The keys of one issuer's renewal. */
export interface RenewalKeys {
  /** Undefined when the issuer makes successors itself. */
  readonly signer: TokenIssuer | undefined
  /** All keys that verify successors. */
  readonly verifying: readonly KeyHalves[]
}

/** Reads the keys of a renewal. Throws CannotStart, with the name of the issuer. */
export function readRenewalKeys(owned: OwnedRenewal): RenewalKeys {
  const signer = readSigningKey(owned)
  return { signer, verifying: signer === undefined ? [] : readAllKeys(signer, owned) }
}

/** Reads the signing key; undefined when the issuer makes successors itself. Throws CannotStart, with the name of the issuer. */
function readSigningKey({ options, issuer, index }: OwnedRenewal): TokenIssuer | undefined {
  const { signingKey } = options
  if (signingKey === undefined) return undefined
  return readKey(signingKey, { issuer, path: ['issuers', index, 'renewal', 'signingKey'] }, createTokenIssuer)
}

/** Returns the signing key and all verification keys, for rotations. Throws CannotStart, with the name of the issuer. */
function readAllKeys(signer: TokenIssuer, { options, issuer, index }: OwnedRenewal): readonly KeyHalves[] {
  const byKid = new Map<string, KeyHalves>([[signer.kid, signer]])
  for (const [at, key] of options.verificationKeys.entries()) {
    const option = { issuer, path: ['issuers', index, 'renewal', 'verificationKeys', at] }
    const halves = readKey(key, option, readVerificationKey)
    if (byKid.has(halves.kid))
      throw cannotStart(option, `two keys have the kid ${halves.kid}`, ...(key.kid === undefined ? [] : ['kid']))
    byKid.set(halves.kid, halves)
  }
  return [...byKid.values()]
}
