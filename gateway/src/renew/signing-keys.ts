// Reads the keys that sign and verify an issuer's successors.
import type { Config } from '../options/config.ts'
import { readSigningKeys, type SigningKeys } from './signing/read-keys.ts'

export type RenewalConfig = NonNullable<Config['issuers'][number]['renewal']>

/** The renewal of an issuer, with the index of the issuer in the config. */
export interface OwnedRenewal {
  readonly options: RenewalConfig
  readonly issuer: string
  /** Index of the issuer in the config. */
  readonly index: number
}

/** The keys of one issuer's renewal. */
export interface RenewalKeys extends Pick<SigningKeys, 'verifying'> {
  /** Undefined when the issuer makes successors itself. */
  readonly signer: SigningKeys['signer'] | undefined
}

/** Reads the keys of a renewal. Throws CannotStart, with the name of the issuer. */
export function readRenewalKeys({ options, issuer, index }: OwnedRenewal): RenewalKeys {
  const { signingKey, verificationKeys } = options
  if (signingKey === undefined) return { signer: undefined, verifying: [] }
  const owner = { what: `issuer ${issuer}: renewal`, path: ['issuers', index, 'renewal'] }
  return readSigningKeys({ signingKey, verificationKeys }, owner)
}
