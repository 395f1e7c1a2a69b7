// Writes a claim as the value of a header, or says why it cannot be one: a value is never cut or altered.
import type { ClaimHeaderOptions } from '../../options/forward/claim-headers.ts'
import type { JsonValue, VerifiedFacts } from '../../authenticate/auth-result.ts'
import { ExactNumber } from '../../message/json/exact-number.ts'

/** How a claim is written. `join` undefined: a list is no text. */
export interface ClaimNotation {
  readonly encode: NonNullable<ClaimHeaderOptions['encode']>
  readonly maxBytes: number
  readonly join: string | undefined
}

/**
 * Why a claim is left out. not_text: control characters, others than ASCII, blanks at the ends, or text that is no Unicode.
 * structure: a list without `join`, or an object. separator: a member of a list is empty or holds what stands between members.
 */
export type LeftOutReason = 'not_text' | 'structure' | 'separator' | 'too_long'

export type WrittenClaim = { readonly text: string } | { readonly reason: LeftOutReason }

// Blanks at the ends are dropped by parsers (RFC 9110 section 5.5): " admin" would arrive as another subject.
const HEADER_TEXT = /^[!-~]([ -~]*[!-~])?$/
const NOT_ASCII = /[\u007f-\uffff]/g

/** True where UTF-8 has no bytes for a text: half of a surrogate pair. All of them would be written alike. */
function isUnicode(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function isScalar(value: JsonValue): boolean {
  return typeof value !== 'object' || value instanceof ExactNumber
}

/**
 * Null, an empty text, and an empty list that is joined say nothing, and a header without a value is read in as many ways as
 * there are servers.
 */
export function isAbsent(value: JsonValue | undefined, { join }: Pick<ClaimNotation, 'join'>): boolean {
  if (Array.isArray(value)) return value.length === 0 && join !== undefined
  return value === undefined || value === null || value === ''
}

/** True when a reader of the joined list would read the member as several, or not at all. */
function isAmbiguous(member: string, join: string): boolean {
  const mark = join.trim() === '' ? ' ' : join.trim()
  return member.trim() === '' || member.includes(mark)
}

function joined(value: JsonValue, join: string, write: VerifiedFacts['write']): WrittenClaim {
  // A text alone is a list of one: a reader splits it as well.
  const members: readonly JsonValue[] = Array.isArray(value) ? (value as readonly JsonValue[]) : [value]
  if (!members.every((member) => isScalar(member) && member !== null)) return { reason: 'structure' }
  const texts = members.map((member) => plainText(member, write))
  return texts.some((text) => isAmbiguous(text, join)) ? { reason: 'separator' } : { text: texts.join(join) }
}

function plainText(value: JsonValue, write: VerifiedFacts['write']): string {
  return typeof value === 'string' ? value : write(value)
}

/** The text of a claim before it is encoded. */
function textOf(value: JsonValue, { join, encode }: ClaimNotation, write: VerifiedFacts['write']): WrittenClaim {
  if (encode === 'json') return { text: write(value) }
  if (join !== undefined) return joined(value, join, write)
  return isScalar(value) || encode === 'base64url' ? { text: plainText(value, write) } : { reason: 'structure' }
}

function encodeText(text: string, encode: ClaimNotation['encode']): string | undefined {
  if (encode === 'json') return text.replace(NOT_ASCII, escaped)
  if (encode === 'base64url') return isUnicode(text) ? Buffer.from(text).toString('base64url') : undefined
  return HEADER_TEXT.test(text) ? text : undefined
}

/** Only for a claim that is there. `write` is JSON.stringify, or what keeps the digits of numbers. */
export function writeClaim(value: JsonValue, notation: ClaimNotation, write: VerifiedFacts['write']): WrittenClaim {
  const plain = textOf(value, notation, write)
  if ('reason' in plain) return plain
  const text = encodeText(plain.text, notation.encode)
  if (text === undefined) return { reason: 'not_text' }
  return text.length > notation.maxBytes ? { reason: 'too_long' } : { text }
}
