// The header that tells the upstream who calls: base64url without padding of UTF-8 JSON, made once per token.
import type { AuthResultOptions } from './options.ts'
import type { VerifiedFacts } from '../authenticate/auth-result.ts'
import { Failure } from '../failure.ts'

export interface AuthResultEncoder {
  /** Header value for a verified token; auth_result_too_large rather than a value that is cut. */
  readonly encode: (facts: VerifiedFacts) => string | Failure
  /** Header value for a caller without a token; undefined where the format cannot say that. */
  readonly anonymous: string | undefined
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url')
}

type Members = Readonly<Record<string, unknown>>

function pick(claims: Members, names: readonly string[]): Members {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]]))
}

export function createAuthResultEncoder(
  options: Readonly<Omit<AuthResultOptions, 'claims'>> & { readonly claims?: readonly string[] },
): AuthResultEncoder {
  const { format, maxBytes, claims: allowed } = options

  // From the parsed claims, never the token's own bytes: a claim written twice must not mean two things.
  function contentOf({ issuer, subject, scopes, claims, expiresAtSec }: VerifiedFacts): Members {
    const sent = allowed === undefined ? claims : pick(claims, allowed)
    if (format === 'claims') return sent
    const expiresAt = Number.isFinite(expiresAtSec) ? expiresAtSec : undefined
    return { authenticated: true, issuer, subject, scopes, expiresAt, claims: sent }
  }

  return {
    anonymous: format === 'claims' ? undefined : base64url({ authenticated: false }),
    encode(facts) {
      const value = base64url(contentOf(facts))
      if (value.length <= maxBytes) return value
      return new Failure(
        'auth_result_too_large',
        `the header would have ${value.length} bytes, allowed are ${maxBytes}; authResult.claims can choose fewer claims`,
      )
    },
  }
}
