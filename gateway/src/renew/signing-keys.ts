// The keys that sign an issuer's successors and those that verify them, read from the config.
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

/** An issuer, and one of the keys of its renewal: whose option is wrong. */
interface Place {
  readonly issuer: string
  readonly path: readonly (string | number)[]
}

function cannotStart({ issuer, path }: Place, reason: string, ...option: readonly string[]): CannotStart {
  return new CannotStart(`issuer ${issuer}: renewal: ${reason}`, [...path, ...option])
}

function materialOf({ kid, alg, pemFile, secret }: KeyOptions, place: Place): SigningKeyMaterial {
  const named = { alg, ...(kid === undefined ? {} : { kid }) }
  return secret === undefined ? { ...named, pem: readPem(pemFile ?? '', place) } : { ...named, secret }
}

function readPem(file: string, { issuer, path }: Place): string {
  return readNamedFile(`issuer ${issuer}: renewal: key file`, file, [...path, 'pemFile'])
}

function readKey<Key>(options: KeyOptions, place: Place, compile: (material: SigningKeyMaterial) => Key | string): Key {
  const key = compile(materialOf(options, place))
  if (typeof key === 'string')
    throw cannotStart(place, key, ...(options.secret === undefined ? ['pemFile'] : ['secret', 'value']))
  return key
}

/** The renewal of an issuer, and where it stands in the config. */
export interface OwnedRenewal {
  readonly options: RenewalConfig
  readonly issuer: string
  /** Of the issuer in the config. */
  readonly index: number
}

/** Undefined where the issuer itself makes successors. Throws CannotStart, naming the issuer. */
export function readSigningKey({ options, issuer, index }: OwnedRenewal): TokenIssuer | undefined {
  const { signingKey } = options
  if (signingKey === undefined) return undefined
  return readKey(signingKey, { issuer, path: ['issuers', index, 'renewal', 'signingKey'] }, createTokenIssuer)
}

/** All that verify: of the key that signs here, and of those that signed or will sign. Throws CannotStart, naming the issuer. */
export function readAllKeys(signer: TokenIssuer, { options, issuer, index }: OwnedRenewal): readonly KeyHalves[] {
  const byKid = new Map<string, KeyHalves>([[signer.kid, signer]])
  for (const [at, key] of options.verificationKeys.entries()) {
    const place = { issuer, path: ['issuers', index, 'renewal', 'verificationKeys', at] }
    const halves = readKey(key, place, readVerificationKey)
    if (byKid.has(halves.kid))
      throw cannotStart(place, `two keys have the kid ${halves.kid}`, ...(key.kid === undefined ? [] : ['kid']))
    byKid.set(halves.kid, halves)
  }
  return [...byKid.values()]
}
