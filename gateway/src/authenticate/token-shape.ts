// What a token says before it is believed: its shape, header and claims. Cheap checks that come before any cryptography.
import { isUtf8 } from 'node:buffer'

import type { Claims, JsonValue } from './auth-result.ts'
import { Failure } from '../failure.ts'

/** A header that passed the checks of RFC 7515 section 4.1; kid and typ are undefined where the header has none. */
export interface TokenHeader {
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
}

/** A token taken apart. Nothing here is verified. */
export interface UnverifiedToken {
  readonly raw: string
  readonly header: TokenHeader
  readonly claims: Claims
}

// Three parts of base64url, nothing else: no padding, no white space, no standard alphabet (RFC 7515 section 2).
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/
const MAX_HEADER_LENGTH = 1366 // base64url of 1 KiB
const MAX_KID_LENGTH = 256
const MAX_REMEMBERED_HEADERS = 1000
const MAX_DEPTH = 64

function malformed(detail: string): Failure {
  return new Failure('token_malformed', detail)
}

function decodeJson(segment: string): unknown {
  const bytes = Buffer.from(segment, 'base64url')
  if (!isUtf8(bytes)) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Freezes a value of JSON all the way down, since all requests with one token share its claims. False when it is deeper
 * than any honest token, or names a member `__proto__`: copying such an object would change the copy's prototype.
 */
function freezeDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth > MAX_DEPTH || Object.hasOwn(value, '__proto__')) return false
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === 'object' && !freezeDeep(member, depth + 1)) return false
    // JSON has no Infinity, but 1e400 parses to it, and it would be written back as null.
    if (typeof member === 'number' && !Number.isFinite(member)) return false
  }
  Object.freeze(value)
  return true
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** True when the bits of the last character that no byte uses are zero, for the last `length` characters of base64url. */
function isCanonical(raw: string, length: number): boolean {
  const over = length % 4
  if (over === 0) return true
  const spareBits = over === 2 ? 0b1111 : 0b11
  return over !== 1 && (ALPHABET.indexOf(raw.charAt(raw.length - 1)) & spareBits) === 0
}

function readHeader(segment: string): TokenHeader | Failure {
  if (segment.length > MAX_HEADER_LENGTH) return malformed('its header is longer than 1 KiB')
  const header = decodeJson(segment)
  if (!isObject(header)) return malformed('its header is not a JSON object')
  const { alg, kid, typ, cty } = header
  if (typeof alg !== 'string') return malformed('its header names no algorithm')
  // RFC 7515 section 4.1.11: an extension that is not understood must be refused, and none is understood here. RFC 8725
  // section 3.6: no compression. `in`, because a falsy crit or zip is no less a demand.
  for (const name of ['crit', 'b64', 'zip', 'enc']) {
    if (name in header) return malformed(`its header asks for an extension that is not supported (${name})`)
  }
  if (typeof cty === 'string' && /^(application\/)?jwt$/i.test(cty))
    return malformed('it holds another token (cty: JWT)')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_LENGTH))
    return malformed('its kid is not a short string')
  if (typ !== undefined && typeof typ !== 'string') return malformed('its typ is not a string')
  return Object.freeze({ alg, kid, typ })
}

/**
 * Makes a reader of raw tokens. It remembers decoded headers: all tokens signed with one key start with the same one.
 * Failures: token_too_large, token_malformed.
 */
export function createTokenReader(maxTokenBytes: number): (raw: string) => UnverifiedToken | Failure {
  const headers = new Map<string, TokenHeader | Failure>()

  function rememberedHeader(segment: string): TokenHeader | Failure {
    const known = headers.get(segment)
    if (known !== undefined) return known
    const header = readHeader(segment)
    // Cleared rather than evicted one by one: only a flood of invented headers fills it, and refilling costs microseconds.
    if (headers.size >= MAX_REMEMBERED_HEADERS) headers.clear()
    headers.set(segment, header)
    return header
  }

  return function readToken(raw) {
    if (raw.length > maxTokenBytes) return new Failure('token_too_large', `it has ${raw.length} characters`)
    if (!COMPACT_JWS.test(raw)) return malformed('it is not three parts of base64url with dots between them')
    const firstDot = raw.indexOf('.')
    const secondDot = raw.indexOf('.', firstDot + 1)

    // Spare bits of the last character give one signature up to 64 spellings; only the canonical one is a token here.
    if (!isCanonical(raw, raw.length - secondDot - 1)) return malformed('its signature is not canonical base64url')

    const header = rememberedHeader(raw.slice(0, firstDot))
    if (header instanceof Failure) return header
    const claims = decodeJson(raw.slice(firstDot + 1, secondDot))
    if (!isObject(claims)) return malformed('its payload is not a JSON object')
    if (!freezeDeep(claims, 0))
      return malformed('its payload nests too deep, or has a member or number that cannot be passed on')
    return { raw, header, claims: claims as Record<string, JsonValue> }
  }
}
