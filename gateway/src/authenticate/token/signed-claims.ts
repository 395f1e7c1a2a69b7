// Reads the claims of a token exactly as signed: keeps the digits of numbers that JSON.parse would change.
import type { Claims, JsonValue } from '../auth-result.ts'
import { asStringified, freezeJson, TOO_DEEP } from './frozen-json.ts'
import { readExactJson, writeExactJson } from '../../message/json/exact-json.ts'

export interface SignedClaims {
  /** Deeply frozen. */
  readonly claims: Claims
  /** The result of `write(claims)`, if known already. */
  readonly claimsJson: string | undefined
  /** Writes claims as JSON and keeps the digits of numbers. */
  readonly write: (value: unknown) => string
}

/**
 * Matches texts in which JSON.parse may have changed a number. A double keeps 15 significant digits, and only exponents exceed
 * its range. A match inside a string is possible and only costs a slower parse.
 */
const MAY_BE_ALTERED = /[:,[\s]-?(?:\d[\d.]{15}|[\d.]+[eE])/

/** Reads `text`; `parsed` is its JSON.parse. Freezes and returns `parsed`, unless a number has changed. */
export function readSignedClaims(text: string, parsed: Claims): SignedClaims {
  const shortest = freezeJson(parsed)
  const claimsJson = asStringified(text, shortest)
  // Nearly all tokens: the text equals JSON.stringify of its value, so no number has changed.
  if (claimsJson !== undefined || (shortest !== TOO_DEEP && !MAY_BE_ALTERED.test(text)))
    return { claims: parsed, claimsJson, write: writePlainJson }
  return { claims: readExactJson(text) as Readonly<Record<string, JsonValue>>, claimsJson, write: writeExactJson }
}

function writePlainJson(value: unknown): string {
  return JSON.stringify(value)
}
