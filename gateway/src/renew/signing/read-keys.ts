// Reads the key that signs and those that verify beside it, so that keys can be replaced while both are in use.
import { CannotStart } from '../../failure.ts'
import { readNamedFile } from '../../options/files/named-file.ts'
import type { SigningKeyOptions, VerificationKeyOptions } from '../../options/issuer/renewal.ts'
import type { ReadOnly } from '../../options/read-only.ts'
import {
  createTokenIssuer,
  readVerificationKey,
  type KeyHalves,
  type SigningKeyMaterial,
  type TokenIssuer,
} from './token-issuer.ts'

export interface SigningOptions {
  readonly signingKey: ReadOnly<SigningKeyOptions>
  readonly verificationKeys: readonly ReadOnly<VerificationKeyOptions>[]
}

/** What the keys are for, and where their options stand in the config, for errors. */
export interface KeyOwner {
  readonly what: string
  readonly path: readonly (string | number)[]
}

export interface SigningKeys {
  readonly signer: TokenIssuer
  /** All keys that verify, the signer's first. */
  readonly verifying: readonly KeyHalves[]
}

function cannotStart({ what, path }: KeyOwner, reason: string, ...option: readonly string[]): CannotStart {
  return new CannotStart(`${what}: ${reason}`, [...path, ...option])
}

function materialOf({ kid, alg, pemFile, secret }: ReadOnly<SigningKeyOptions>, owner: KeyOwner): SigningKeyMaterial {
  const named = { alg, ...(kid === undefined ? {} : { kid }) }
  if (secret !== undefined) return { ...named, secret }
  return { ...named, pem: readNamedFile(`${owner.what}: key file`, pemFile ?? '', [...owner.path, 'pemFile']) }
}

function readKey<Key>(
  options: ReadOnly<SigningKeyOptions>,
  owner: KeyOwner,
  compile: (material: SigningKeyMaterial) => Key | string,
): Key {
  const key = compile(materialOf(options, owner))
  if (typeof key === 'string')
    throw cannotStart(owner, key, ...(options.secret === undefined ? ['pemFile'] : ['secret', 'value']))
  return key
}

/** Throws CannotStart, with what the keys are for. */
export function readSigningKeys(
  { signingKey, verificationKeys }: SigningOptions,
  { what, path }: KeyOwner,
): SigningKeys {
  const signer = readKey(signingKey, { what, path: [...path, 'signingKey'] }, createTokenIssuer)
  const byKid = new Map<string, KeyHalves>([[signer.kid, signer]])
  for (const [at, key] of verificationKeys.entries()) {
    const owner = { what, path: [...path, 'verificationKeys', at] }
    const halves = readKey(key, owner, readVerificationKey)
    if (byKid.has(halves.kid))
      throw cannotStart(owner, `two keys have the kid ${halves.kid}`, ...(key.kid === undefined ? [] : ['kid']))
    byKid.set(halves.kid, halves)
  }
  return { signer, verifying: [...byKid.values()] }
}
