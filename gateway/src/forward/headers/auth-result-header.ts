// Encodes the auth-result header: UTF-8 JSON in base64url, once for each token.
import type { AuthResultOptions } from '../../options/forward/auth-result.ts'
import type { VerifiedFacts } from '../../authenticate/auth-result.ts'
import { ExactNumber } from '../../message/json/exact-number.ts'
import { Failure } from '../../failure.ts'

export interface AuthResultEncoder {
  /** Failure auth_result_too_large when the value exceeds `authResult.maxBytes`; undefined for `format: none`. */
  readonly encode: (facts: VerifiedFacts) => string | undefined | Failure
  /** The value for a caller without a token; undefined for `format: none`, and for `claims`, which cannot express it. */
  readonly anonymous: string | undefined
}

const ANONYMOUS = Buffer.from('{"authenticated":false}').toString('base64url')

/** With the `=` of RFC 4648 section 4, up to a multiple of four. */
function padded(value: string): string {
  return value.padEnd(Math.ceil(value.length / 4) * 4, '=')
}

type Members = Readonly<Record<string, unknown>>

function pick(claims: Members, names: readonly string[]): Members {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]]))
}

export function createAuthResultEncoder(
  options: Readonly<Omit<AuthResultOptions, 'claims'>> & { readonly claims?: readonly string[] },
): AuthResultEncoder {
  const { format, pad, maxBytes, claims: allowed } = options
  // A UTF-16 unit has at most three bytes in UTF-8, and a text of more than maxBytes units is not written.
  const bytes = Buffer.alloc(3 * maxBytes)

  function encode(text: string): string | Failure {
    const length = text.length > maxBytes ? Buffer.byteLength(text) : bytes.write(text)
    const characters = pad ? Math.ceil(length / 3) * 4 : Math.ceil((length * 4) / 3)
    if (characters <= maxBytes) {
      const value = bytes.toString('base64url', 0, length)
      return pad ? padded(value) : value
    }
    return new Failure(
      'auth_result_too_large',
      `the header would have ${characters} bytes, allowed are ${maxBytes}; authResult.claims can choose fewer claims`,
    )
  }

  // Written from the parsed claims, because a duplicate claim in the token's own text could be read in two ways.
  function claimsText({ claims, claimsJson, write }: VerifiedFacts): string {
    return allowed === undefined ? (claimsJson ?? write(claims)) : write(pick(claims, allowed))
  }

  /** The same text as JSON.stringify of {authenticated, issuer, subject, scopes, expiresAt, claims}, with claims as text. */
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

  if (format === 'none') return { anonymous: undefined, encode: () => undefined }
  const textOf = format === 'claims' ? claimsText : resultText
  return {
    anonymous: format === 'claims' ? undefined : pad ? padded(ANONYMOUS) : ANONYMOUS,
    encode: (facts) => encode(textOf(facts)),
  }
}
