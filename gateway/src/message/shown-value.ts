// Formats values for messages to operators: limits and quotes texts, and shows only the type of personal values.
import { ExactNumber } from './json/exact-number.ts'
import { withoutTokens } from './told-text.ts'

const MAX_SHOWN = 100
const MAX_SHORT = 256
const MAX_LISTED = 5
// Terminals interpret C1 control characters, and bidirectional marks reorder the text around them.
const UNPRINTABLE = /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Escapes characters that JSON.stringify keeps and that a terminal interprets. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (code) => `\\u${code.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * Shortens a text of a client for the log. It removes tokens before the cut: a cut token is not recognised, but still exposes
 * claims.
 */
export function shortText(text: string): string {
  return printable(withoutTokens(text).slice(0, MAX_SHORT))
}

/** Quotes and shortens a text that is not secret, such as an issuer, audience or algorithm. It removes tokens before the cut. */
export function quoted(text: string): string {
  const told = withoutTokens(text)
  const cut = told.length > MAX_SHOWN ? `${told.slice(0, MAX_SHOWN)}…` : told
  return printable(JSON.stringify(cut))
}

/** Returns a list such as `"a", "b" and 3 more`. */
export function quotedList(texts: readonly string[]): string {
  const shown = texts.slice(0, MAX_LISTED).map(quoted).join(', ')
  return texts.length > MAX_LISTED ? `${shown} and ${texts.length - MAX_LISTED} more` : shown
}

/** Type and size of a claim, without its value, which may be personal. */
export function kindOfValue(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (value === '') return 'empty text'
  if (typeof value === 'string') return `text of ${value.length} ${value.length === 1 ? 'character' : 'characters'}`
  if (typeof value === 'number' || value instanceof ExactNumber) return 'a number'
  if (typeof value === 'boolean') return 'true or false'
  if (Array.isArray(value)) return `a list of ${value.length}`
  return `an object with ${Object.keys(value).length} members`
}

/** Describes a small difference of two names (such as case or a final slash); undefined when they differ otherwise. */
export function differenceOf(actual: string, wanted: string): string | undefined {
  const ways: readonly (readonly [string, (text: string) => string])[] = [
    ['the last /', (text) => (text.endsWith('/') ? text.slice(0, -1) : text)],
    ['upper and lower case', (text) => text.toLowerCase()],
    ['http and https', (text) => text.replace(/^https?:/, '')],
    ['blanks around it', (text) => text.trim()],
  ]
  return ways.find(([, alike]) => alike(actual) === alike(wanted))?.[0]
}

/** Returns a text such as `iss is "https://a/" (this issuer is "https://a": it differs by the last /)`. One of `all` was expected. */
export function mismatch(name: string, actual: readonly string[], all: readonly string[], whose: string): string {
  const is = `${name} is ${actual.length === 0 ? 'an empty list' : quotedList(actual)}`
  for (const one of actual.slice(0, MAX_LISTED)) {
    for (const wanted of all) {
      const difference = differenceOf(one, wanted)
      if (difference !== undefined) return `${is} (${whose} is ${quoted(wanted)}: it differs by ${difference})`
    }
  }
  return `${is}, wanted is ${all.length > 1 ? 'one of ' : ''}${quotedList(all)}`
}
