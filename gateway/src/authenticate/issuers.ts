// Compiles the issuers of the config: their rules, their keys and their renewal.
import type { ClaimRules } from './token/claims.ts'
import { createKeySource, type IssuerConfig, type KeySource, type KeySourceParts } from './keys/key-source.ts'
import type { KeyChange } from './keys/key-ring.ts'
import { namesOf } from './keys/key-rules.ts'
import { keySetFromJwks, type VerificationKey } from './keys/key-set.ts'
import type { IssuerRenewal } from './renewal.ts'
import { CannotStart } from '../failure.ts'

/** A compiled issuer: its keys, and the rules for its tokens. */
export interface TrustedIssuer {
  readonly name: string
  /** The required `iss`; undefined when `iss` is not checked. */
  readonly issuer: string | undefined
  readonly algorithms: ReadonlySet<string>
  readonly rules: ClaimRules
  readonly keys: KeySource
  /** Undefined when its tokens are not renewed. */
  readonly renewal: IssuerRenewal | undefined
}

/** The renewal of an issuer, with the keys that verify successors signed by gateways. */
export interface RenewalPart {
  readonly renewal: IssuerRenewal
  readonly verificationKeys: readonly object[]
}

/** Reports changes of keys to the log and the metrics, by name of the issuer. */
export interface KeyEvents {
  readonly onKeysChanged: (issuer: string, change: KeyChange, remarks: readonly string[]) => void
  readonly onKeysFailed: (issuer: string, reason: string, keysLeftMs: number) => void
}

export interface IssuersParts extends Omit<KeySourceParts, 'events'> {
  readonly events: KeyEvents
  /** Renewals by name of the issuer. */
  readonly renewals?: ReadonlyMap<string, RenewalPart>
  /** Puts another source in the place of the one that the config names, which `create` makes. */
  readonly replaceKeys?: ((issuer: string, create: () => KeySource) => KeySource) | undefined
  /** Returns the issuer as it was compiled before, where nothing of it changed, or what `create` compiles. */
  readonly takeIssuer?: ((issuer: string, create: () => TrustedIssuer) => TrustedIssuer) | undefined
}

function rulesOf(issuer: IssuerConfig): ClaimRules {
  return {
    audiences: issuer.audiences === undefined ? undefined : new Set(issuer.audiences),
    clockToleranceSec: issuer.clockTolerance / 1000,
    requiredClaims: issuer.requiredClaims,
    maxLifetimeSec: issuer.maxLifetime === undefined ? undefined : issuer.maxLifetime / 1000,
    typ: issuer.typ?.toLowerCase().replace(/^application\//, ''),
    binding: issuer.binding,
  }
}

/** The key that signs comes first. */
function ownKeyOption(index: number): readonly (string | number)[] {
  return index === 0 ? ['signingKey'] : ['verificationKeys', index - 1]
}

/** The gateway's own verification keys, accepted for this issuer only. */
function ownKeys({ algorithms, weakKeys }: IssuerConfig, part: RenewalPart | undefined): readonly VerificationKey[] {
  return (part?.verificationKeys ?? []).flatMap((key, index) => {
    const { keys, remarks } = keySetFromJwks({ keys: [key] }, { algorithms, weakKeys, allowSecrets: true })
    if (keys.length === 0) throw new CannotStart(`renewal: ${remarks.join('; ')}`, ['renewal', ...ownKeyOption(index)])
    return keys
  })
}

function compileIssuer(config: IssuerConfig, index: number, parts: IssuersParts): TrustedIssuer {
  const { events, renewals, replaceKeys = (_issuer, create) => create(), ...rest } = parts
  const { takeIssuer = (_issuer, compile) => compile() } = parts
  const renewal = renewals?.get(config.name)
  try {
    const create = () =>
      createKeySource(config, {
        ...rest,
        ownKeys: ownKeys(config, renewal),
        events: {
          onFetched: (change, remarks) => {
            events.onKeysChanged(config.name, change, remarks)
          },
          onFetchFailed: (reason, keysLeftMs) => {
            events.onKeysFailed(config.name, reason, keysLeftMs)
          },
        },
      })
    const keys = replaceKeys(config.name, create)
    return takeIssuer(config.name, () => ({
      name: config.name,
      issuer: config.issuer,
      algorithms: namesOf(config.algorithms),
      rules: rulesOf(config),
      keys,
      renewal: renewal?.renewal,
    }))
  } catch (error) {
    if (error instanceof CannotStart) throw error.within(`issuer ${config.name}`, ['issuers', index])
    throw error
  }
}

/** Compiles the issuers. Throws CannotStart, with the name of the issuer, when local keys cannot be used. */
export function compileIssuers(configs: readonly IssuerConfig[], parts: IssuersParts): readonly TrustedIssuer[] {
  return configs.map((config, index) => compileIssuer(config, index, parts))
}
