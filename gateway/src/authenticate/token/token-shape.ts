// Parses a token and checks its shape and header (RFC 7515 section 7.1), before any cryptography.
import { isUtf8 } from 'node:buffer'

import { decodeBase64url, isCanonical } from './base64url.ts'
import type { Claims, JsonValue } from '../auth-result.ts'
import { idOfSigned } from './token-id.ts'
import { shapeFault } from './shape-faults.ts'
import { readSignedClaims, type SignedClaims } from './signed-claims.ts'
import { readExactJson } from '../../message/json/exact-json.ts'
import { kindOfValue } from '../../message/shown-value.ts'
import { Failure } from '../../failure.ts'

/** A checked header (RFC 7515 section 4.1). `kid` and `typ` are undefined when the header has none. */
export interface TokenHeader {
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
}

/** A parsed token. Nothing in it is verified. */
export class UnverifiedToken {
  readonly header: TokenHeader
  /** Claims by JSON.parse, which rounds some numbers. For the checks before the signature check. */
  readonly claims: Claims
  /** The JWS signing input: encoded header "." encoded payload (RFC 7515 section 5.2). */
  readonly signed: string
  /** The signature in canonical base64url. */
  readonly signature: string
  readonly #payload: string
  #id: string | undefined

  constructor(header: TokenHeader, claims: Claims, payload: string, signed: string, signature: string) {
    this.header = header
    this.claims = claims
    this.#payload = payload
    this.signed = signed
    this.signature = signature
  }

  /** The token id (token-id.ts), computed when first read: a token that fails a cheap check never needs it. */
  get id(): string {
    return (this.#id ??= idOfSigned(this.signed))
  }

  /** Returns the claims with exact numbers. Only for verified tokens: it is slower than `claims`. */
  signedClaims(): SignedClaims {
    return readSignedClaims(this.#payload, this.claims)
  }
}

const MAX_CACHED_HEADERS = 1000
/** Limit for long headers: one with certificates (x5c) has thousands of characters. */
const MAX_CACHED_CHARACTERS = 1_000_000

function malformed(detail: string): Failure {
  return new Failure('token_malformed', detail)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkHeader(header: unknown): TokenHeader | Failure {
  if (!isObject(header)) return malformed('its first part is no header: wanted is a JSON object in base64url')
  const { alg, kid, typ, cty } = header
  if (typeof alg !== 'string')
    return malformed(`alg in its header is ${kindOfValue(alg)}, wanted is the name of an algorithm`)
  // RFC 7515 section 4.1.11: an extension that is not understood must be refused, and none is understood here. RFC 8725
  // section 3.6: no compression. `in`, because a falsy crit or zip is no less a demand.
  for (const name of ['crit', 'b64', 'zip', 'enc']) {
    if (name in header) return malformed(`its header asks for an extension that is not supported (${name})`)
  }
  if (typeof cty === 'string' && /^(application\/)?jwt$/i.test(cty))
    return malformed('it holds another token (cty: JWT)')
  if (kid !== undefined && typeof kid !== 'string') return malformed(`its kid is ${kindOfValue(kid)}, not a string`)
  if (typ !== undefined && typeof typ !== 'string') return malformed(`its typ is ${kindOfValue(typ)}, not a string`)
  return Object.freeze({ alg, kid, typ })
}

/** Returns all members of the header, for display. */
export function headerAsSent({ signed }: Pick<UnverifiedToken, 'signed'>): Record<string, unknown> {
  const text = Buffer.from(signed.slice(0, signed.indexOf('.')), 'base64url').toString('utf8')
  return readExactJson(text) as Record<string, unknown>
}

/** Returns undefined for undefined and for invalid JSON. */
function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Creates a parser of raw tokens. It caches decoded headers, because tokens of one key have the same header.
 * Failures: token_too_large, token_malformed.
 */
export function createTokenReader(maxTokenBytes: number): (raw: string) => UnverifiedToken | Failure {
  const headers = new Map<string, TokenHeader | Failure>()
  let characters = 0
  /** Scratch buffer for one part at a time. */
  const bytes = Buffer.alloc(maxTokenBytes)

  /** Decodes a part; undefined when it is not base64url of UTF-8. */
  function decodeText(part: string): string | undefined {
    const length = decodeBase64url(part, bytes)
    if (length === -1) return undefined
    const text = bytes.toString('utf8', 0, length)
    // Invalid UTF-8 decodes to U+FFFD. A text may also contain that character itself, which is rare.
    return text.includes('\uFFFD') && !isUtf8(bytes.subarray(0, length)) ? undefined : text
  }

  function readHeader(part: string): TokenHeader | Failure {
    const known = headers.get(part)
    if (known !== undefined) return known
    const header = checkHeader(parseJson(decodeText(part)))
    // Cleared as a whole: only a flood of invented headers fills it, and refilling costs microseconds.
    if (headers.size >= MAX_CACHED_HEADERS || characters >= MAX_CACHED_CHARACTERS) {
      headers.clear()
      characters = 0
    }
    characters += part.length
    headers.set(part, header)
    return header
  }

  return function readToken(raw) {
    if (raw.length > maxTokenBytes)
      return new Failure(
        'token_too_large',
        `it has ${raw.length} characters, at most ${maxTokenBytes} are read (limits.tokenBytes)`,
      )
    const firstDot = raw.indexOf('.')
    const secondDot = raw.indexOf('.', firstDot + 1)
    if (secondDot === -1)
      return malformed(
        shapeFault(
          raw,
          `it has ${firstDot === -1 ? 'one part' : 'two parts'}, wanted are three with dots between them`,
        ),
      )

    // The signature's form is checked first. A third dot is no base64url either.
    const signature = raw.slice(secondDot + 1)
    if (signature === '' || decodeBase64url(signature, bytes) === -1)
      return malformed(shapeFault(raw, 'its third part is no signature in base64url'))
    // Spare bits of the last character give a signature several spellings. Only the canonical one is accepted.
    if (!isCanonical(signature)) return malformed('its signature is not canonical base64url')

    const header = readHeader(raw.slice(0, firstDot))
    if (header instanceof Failure) return malformed(shapeFault(raw, header.detail))
    const text = decodeText(raw.slice(firstDot + 1, secondDot))
    const claims = parseJson(text)
    if (text === undefined || !isObject(claims)) return malformed('its payload is not a JSON object in base64url')
    return new UnverifiedToken(header, claims as Record<string, JsonValue>, text, raw.slice(0, secondDot), signature)
  }
}
