// What upstreams are told of a caller: the auth result and single claims, as headers that are made once for each token.
import { createAuthResultEncoder } from './auth-result-header.ts'
import { claimFieldsOf, type ClaimFieldsConfig } from './claim-fields.ts'
import { createClaimHeaderValues } from './claim-headers.ts'
import type { LeftOutReason } from './claim-text.ts'
import type { IdentityHeaders, VerifiedFacts } from '../../authenticate/auth-result.ts'
import { Failure } from '../../failure.ts'
import type { Config } from '../../options/config.ts'

export interface IdentityEncoder {
  /** Failure auth_result_too_large when the auth result exceeds `authResult.maxBytes`. */
  readonly encodeResult: (facts: VerifiedFacts) => IdentityHeaders | Failure
  /** For a caller without a token. */
  readonly anonymousHeaders: IdentityHeaders
}

export function createIdentityEncoder(
  config: Pick<Config, 'authResult'> & ClaimFieldsConfig,
  onLeftOut: (header: string, reason: LeftOutReason) => void,
): IdentityEncoder {
  const result = createAuthResultEncoder(config.authResult)
  const claims = createClaimHeaderValues(claimFieldsOf(config), onLeftOut)
  return {
    anonymousHeaders: { headerValue: result.anonymous, claimValues: claims.anonymous },
    encodeResult(facts) {
      const headerValue = result.encode(facts)
      return headerValue instanceof Failure ? headerValue : { headerValue, claimValues: claims.valuesOf(facts) }
    },
  }
}
