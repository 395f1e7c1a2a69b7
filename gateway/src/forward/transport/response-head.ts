// Parses a response head strictly (RFC 9112): rejects heads that two parsers could frame differently.
import { challengeBinds } from './connections/connection-auth.ts'
import { memoizeByName } from '../../message/memoize.ts'

export interface ResponseHead {
  readonly status: number
  readonly reason: string
  /** Alternating names, in their original case, and values, without surrounding white space. */
  readonly headers: string[]
  /** Content-Length in bytes; undefined without the field. */
  readonly length: number | undefined
  readonly chunked: boolean
  /** False when the upstream closes the connection after this response. */
  readonly persistent: boolean
  /** The `timeout` of Keep-Alive in milliseconds; undefined without it. */
  readonly keepMs: number | undefined
  /** True when the upstream authenticates the connection (connection-auth.ts). */
  readonly binds: boolean
}

/** Line ends other than CR LF (RFC 9112 section 2.2), and control characters (RFC 9110 section 5.5). */
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n|$)|(?<!\r)\n/

/** True when `text` has no bare CR or LF and no control characters. It may end in a CR whose LF has not arrived. */
export function isCleanText(text: string): boolean {
  return !FORBIDDEN.test(text)
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Fields that decide the framing of a message, or the future of its connection. */
type Framing = 'length' | 'coding' | 'connection' | 'keep-alive' | 'authenticate'

const meaningOf = memoizeByName((name): Framing | 'none' | 'invalid' => {
  if (!TOKEN.test(name)) return 'invalid'
  switch (name.toLowerCase()) {
    case 'content-length':
      return 'length'
    case 'transfer-encoding':
      return 'coding'
    case 'connection':
      return 'connection'
    case 'keep-alive':
      return 'keep-alive'
    case 'www-authenticate':
    case 'proxy-authenticate':
      return 'authenticate'
    default:
      return 'none'
  }
})

const TAB = 9
const SPACE = 32
const ZERO = 48
const NINE = 57

/**
 * Parses the field lines from `at` to the end of `text`, which must be clean (`isCleanText`) and end in CR LF. Returns
 * alternating names and values; undefined when a line is malformed or folded (RFC 9112 section 5.2).
 */
export function parseFields(
  text: string,
  at: number,
  onFraming: (field: Framing, value: string) => void,
): string[] | undefined {
  const fields: string[] = []
  while (at < text.length) {
    const stop = text.indexOf('\r\n', at)
    const colon = text.indexOf(':', at)
    if (colon < 0 || stop < colon) return undefined
    let nameEnd = colon
    // RFC 9112 section 5.1: a proxy removes blanks before the colon of a response.
    while (nameEnd > at && isBlank(text.charCodeAt(nameEnd - 1))) nameEnd -= 1
    const name = text.slice(at, nameEnd)
    const meaning = meaningOf(name)
    if (meaning === 'invalid') return undefined
    let from = colon + 1
    let to = stop
    while (from < to && isBlank(text.charCodeAt(from))) from += 1
    while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1
    const value = text.slice(from, to)
    if (meaning !== 'none') onFraming(meaning, value)
    fields.push(name, value)
    at = stop + 2
  }
  return fields
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}

function digit(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= ZERO && code <= NINE ? code - ZERO : NaN
}

/** True for 100 to 599, the five classes of RFC 9110 section 15. */
export function isStatus(status: number): boolean {
  return status >= 100 && status < 600
}

/** Parses a head from its status line to the CR LF of the last field line; undefined when it is malformed. */
export function parseHead(text: string): ResponseHead | undefined {
  if (!text.startsWith('HTTP/1.') || !isCleanText(text)) return undefined
  const minor = digit(text, 7)
  const status = digit(text, 9) * 100 + digit(text, 10) * 10 + digit(text, 11)
  const endOfLine = text.indexOf('\r\n')
  // Some servers omit the space before an empty reason phrase.
  const separated = endOfLine === 12 || text.charCodeAt(12) === SPACE
  if (!(minor <= 1) || text.charCodeAt(8) !== SPACE || !isStatus(status) || !separated) return undefined

  let length: number | undefined
  let chunked = false
  let sound = true
  let persistent = minor === 1
  let keepMs: number | undefined
  let binds = false
  const headers = parseFields(text, endOfLine + 2, (field, value) => {
    switch (field) {
      case 'length':
        // Two lengths, or a list: parsers disagree which one counts, which allows response splitting (RFC 9112 section 6.3).
        sound &&= length === undefined && /^\d{1,15}$/.test(value)
        length = Number(value)
        break
      case 'coding':
        // A transfer coding belongs to this connection, so the gateway would have to decode any other one for the client.
        sound &&= !chunked && value.toLowerCase() === 'chunked'
        chunked = true
        break
      case 'connection':
        if (/(^|,)[ \t]*close[ \t]*(,|$)/i.test(value)) persistent = false
        else if (minor === 0) persistent = /(^|,)[ \t]*keep-alive[ \t]*(,|$)/i.test(value)
        break
      case 'keep-alive':
        keepMs = keepMsOf(value)
        break
      case 'authenticate':
        binds ||= challengeBinds(value)
        break
    }
  })
  if (headers === undefined || !sound || (chunked && length !== undefined)) return undefined
  // RFC 9112 section 6.1: an HTTP/1.0 server with chunks may forward framing that it does not understand.
  if (chunked && minor === 0) persistent = false
  return { status, reason: text.slice(13, endOfLine), headers, length, chunked, persistent, keepMs, binds }
}

function keepMsOf(value: string): number | undefined {
  const seconds = /(?:^|[,\s])timeout=(\d{1,9})/i.exec(value)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}
