// The issuers whose tokens are believed, compiled from the config once.
import type { ClaimRules } from './claims.ts'
import { createKeySource, KeysNotUsable, type IssuerConfig, type KeySource, type KeySourceParts } from './key-source.ts'
import type { KeyChange } from './key-ring.ts'

/** An issuer with its keys and the rules for its tokens. */
export interface TrustedIssuer {
  readonly name: string
  /** Must equal `iss`; undefined where iss is not looked at. */
  readonly issuer: string | undefined
  readonly algorithms: ReadonlySet<string>
  readonly rules: ClaimRules
  readonly keys: KeySource
}

/** What happens to keys, by name of the issuer. */
export interface KeyEvents {
  readonly onKeysChanged: (issuer: string, change: KeyChange, remarks: readonly string[]) => void
  readonly onKeysFailed: (issuer: string, reason: string, keysLeftMs: number) => void
}

export interface IssuersParts extends Omit<KeySourceParts, 'events'> {
  readonly events: KeyEvents
}

function rulesOf(issuer: IssuerConfig): ClaimRules {
  return {
    audiences: issuer.audiences === undefined ? undefined : new Set(issuer.audiences),
    clockToleranceSec: issuer.clockTolerance / 1000,
    requiredClaims: issuer.requiredClaims,
    maxLifetimeSec: issuer.maxLifetime === undefined ? undefined : issuer.maxLifetime / 1000,
    typ: issuer.typ?.toLowerCase().replace(/^application\//, ''),
  }
}

function compileIssuer(config: IssuerConfig, parts: IssuersParts): TrustedIssuer {
  const { events, ...rest } = parts
  try {
    const keys = createKeySource(config, {
      ...rest,
      events: {
        onFetched: (change, remarks) => {
          events.onKeysChanged(config.name, change, remarks)
        },
        onFetchFailed: (reason, keysLeftMs) => {
          events.onKeysFailed(config.name, reason, keysLeftMs)
        },
      },
    })
    return {
      name: config.name,
      issuer: config.issuer,
      algorithms: new Set(config.algorithms),
      rules: rulesOf(config),
      keys,
    }
  } catch (error) {
    if (error instanceof KeysNotUsable) throw new KeysNotUsable(`issuer ${config.name}: ${error.message}`)
    throw error
  }
}

/** Throws KeysNotUsable, naming the issuer, when keys that are here already cannot be used. */
export function compileIssuers(configs: readonly IssuerConfig[], parts: IssuersParts): readonly TrustedIssuer[] {
  return configs.map((config) => compileIssuer(config, parts))
}
