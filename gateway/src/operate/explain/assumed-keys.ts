// Keys that stand in for those of issuers whose keys are not fetched: the checks behind the signature can be told all the same.
import type { TrustedIssuer } from '../../authenticate/issuers.ts'
import type { Algorithm } from '../../options/tokens.ts'

export interface AssumedKeys {
  /** Whether a signature was taken for good that nobody checked. */
  readonly wereUsed: boolean
}

/** Only for a gateway that forwards nothing and serves nobody. */
export function assumeKeys(issuers: readonly TrustedIssuer[]): AssumedKeys {
  const assumed = { wereUsed: false }
  for (const { keys, algorithms } of issuers) {
    if (keys.remote === undefined) continue
    keys.ring.replace(
      [...algorithms].map((name, index) => ({
        serial: -1 - index,
        kid: undefined,
        fingerprint: `assumed ${name}`,
        algorithm: name as Algorithm,
        isSignedBy() {
          assumed.wereUsed = true
          return true
        },
        live: true,
      })),
    )
  }
  return assumed
}
