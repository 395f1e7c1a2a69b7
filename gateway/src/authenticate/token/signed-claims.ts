// The claims of a token exactly as signed: numbers that JSON.parse would alter keep their digits.
import type { Claims, JsonValue } from '../auth-result.ts'
import { asStringified, freezeJson, TOO_DEEP } from './frozen-json.ts'
import { readExactJson, writeExactJson } from '../../message/json/exact-json.ts'

export interface SignedClaims {
  /** Frozen all the way down. */
  readonly claims: Claims
  /** What `write` would make of the claims, where that is known already. */
  readonly claimsJson: string | undefined
  /** Writes the claims or any part of them, to the digit. */
  readonly write: (value: unknown) => string
}

/**
 * Whether JSON.parse may have altered a number of this text. A double gives back 15 digits as they were, and is exceeded by
 * exponents only: what has fewer characters and no exponent is not altered. Text in strings may look so as well, and then only
 * costs a closer look.
 */
const MAY_BE_ALTERED = /[:,[\s]-?(?:\d[\d.]{15}|[\d.]+[eE])/

/** `parsed` is what JSON.parse made of the text. It is frozen and shared, or left to whoever has it. */
export function readSignedClaims(text: string, parsed: Claims): SignedClaims {
  const shortest = freezeJson(parsed)
  const claimsJson = asStringified(text, shortest)
  // Character for character what JSON.stringify writes: nothing was altered, and nearly all tokens are like this.
  if (claimsJson !== undefined || (shortest !== TOO_DEEP && !MAY_BE_ALTERED.test(text)))
    return { claims: parsed, claimsJson, write: writePlainJson }
  return { claims: readExactJson(text) as Readonly<Record<string, JsonValue>>, claimsJson, write: writeExactJson }
}

function writePlainJson(value: unknown): string {
  return JSON.stringify(value)
}
