// The header that tells the upstream who calls: base64url without padding of UTF-8 JSON, made once per token.
import type { AuthResultOptions } from '../../options/forward.ts'
import type { VerifiedFacts } from '../../authenticate/auth-result.ts'
import { ExactNumber } from '../../message/json/exact-number.ts'
import { Failure } from '../../failure.ts'

export interface AuthResultEncoder {
  /** Header value for a verified token; auth_result_too_large rather than a value that is cut. */
  readonly encode: (facts: VerifiedFacts) => string | Failure
  /** Header value for a caller without a token; undefined where the format cannot say that. */
  readonly anonymous: string | undefined
}

const ANONYMOUS = Buffer.from('{"authenticated":false}').toString('base64url')

type Members = Readonly<Record<string, unknown>>

function pick(claims: Members, names: readonly string[]): Members {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]]))
}

export function createAuthResultEncoder(
  options: Readonly<Omit<AuthResultOptions, 'claims'>> & { readonly claims?: readonly string[] },
): AuthResultEncoder {
  const { format, maxBytes, claims: allowed } = options
  // A character is at most three bytes, and a text of more characters than that is refused before it is written.
  const bytes = Buffer.alloc(3 * maxBytes)

  function encode(text: string): string | Failure {
    const length = text.length > maxBytes ? Buffer.byteLength(text) : bytes.write(text)
    const characters = Math.ceil((length * 4) / 3)
    if (characters <= maxBytes) return bytes.toString('base64url', 0, length)
    return new Failure(
      'auth_result_too_large',
      `the header would have ${characters} bytes, allowed are ${maxBytes}; authResult.claims can choose fewer claims`,
    )
  }

  // From the parsed claims, never the token's own bytes, unless they are the same: a claim written twice must not mean two things.
  function claimsText({ claims, claimsJson, write }: VerifiedFacts): string {
    return allowed === undefined ? (claimsJson ?? write(claims)) : write(pick(claims, allowed))
  }

  /** As JSON.stringify would write {authenticated, issuer, subject, scopes, expiresAt, claims}, but the claims are text already. */
  function resultText(facts: VerifiedFacts): string {
    const { issuer, subject, scopesJson, claims, expiresAtSec } = facts
    const exp = claims['exp']
    const who = subject === undefined ? '' : `,"subject":${JSON.stringify(subject)}`
    const until = Number.isFinite(expiresAtSec)
      ? `,"expiresAt":${exp instanceof ExactNumber ? ExactNumber.textOf(exp) : expiresAtSec}`
      : ''
    const start = `{"authenticated":true,"issuer":${JSON.stringify(issuer)}${who},"scopes":${scopesJson}${until}`
    return `${start},"claims":${claimsText(facts)}}`
  }

  const textOf = format === 'claims' ? claimsText : resultText
  return {
    anonymous: format === 'claims' ? undefined : ANONYMOUS,
    encode: (facts) => encode(textOf(facts)),
  }
}
