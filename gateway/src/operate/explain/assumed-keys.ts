// Replaces the keys of issuers whose keys are not fetched, so that the checks after the signature can be explained.
import type { TrustedIssuer } from '../../authenticate/issuers.ts'
import type { Algorithm } from '../../options/tokens.ts'

export interface AssumedKeys {
  /** True when a signature was accepted without verification. */
  readonly wereUsed: boolean
}

/** Only for a gateway that forwards nothing and serves nobody: it accepts every signature. */
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
