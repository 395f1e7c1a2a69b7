// Recognises plain heads of requests: one strict, small form, read in one pass. Whatever else comes is for Node's parser.
import type { IncomingHttpHeaders } from 'node:http'

import { hasHiddenHeaders } from '../listen/single-headers.ts'
import { FORWARDED_METHODS } from '../routes/route-table.ts'
import { FieldsByName } from '../../message/fields/fields-by-name.ts'
import { memoizeByName } from '../../message/memoize.ts'

/** The field lines of a head. Never changed: one that comes again on its connection is the same object. */
export interface PlainFields {
  /** Names and values in turn. */
  readonly raw: readonly string[]
  /** By name in lower case: no name comes twice. */
  readonly headers: IncomingHttpHeaders
  /** Of the body; 0 where there is none. */
  readonly bodyBytes: number
  /** The client ends the connection after this request. */
  readonly close: boolean
}

export interface PlainHead {
  readonly method: string
  readonly target: string
  readonly fields: PlainFields
}

/** What made a request one for Node's parser. */
export type NotPlain = 'head' | 'body' | 'connection' | 'upgrade'

/** A table of the bytes that a part of a head may hold. */
function allowing(isAllowed: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (isAllowed(code) ? 1 : 0))
}

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const BLANK = 0x20
const SLASH = 0x2f
const COLON = 0x3a
const ZERO = 0x30
const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

const TOKEN = allowing((code) => TOKEN_CHARACTERS.includes(String.fromCharCode(code)))
// A fragment has no place in a target (RFC 9112 section 3.2); what the path may be, the router says for both parsers.
const TARGET = allowing((code) => code > BLANK && code < 0x7f && code !== 0x23)
// Without obs-text (RFC 9110 section 5.5): which letters those bytes are, readers do not agree about.
const VALUE = allowing((code) => code === TAB || (code >= BLANK && code < 0x7f))

const METHODS: ReadonlySet<string> = new Set(FORWARDED_METHODS)
const LONGEST_METHOD = Math.max(...FORWARDED_METHODS.map(({ length }) => length))
const AFTER_TARGET = ' HTTP/1.1\r\n'
/** More digits are no number that can be counted to. */
const MAX_LENGTH_DIGITS = 15

/** What a field means here; `option` is Connection, whose options are told apart by its value. */
type Kind = 'plain' | 'length' | 'option' | NotPlain

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['content-length', 'length'],
  ['connection', 'option'],
  ['transfer-encoding', 'body'],
  ['expect', 'body'],
  ['trailer', 'body'],
  ['te', 'connection'],
  ['proxy-connection', 'connection'],
  ['upgrade', 'upgrade'],
  ['http2-settings', 'upgrade'],
  // Node makes a list of the one, and its objects have no place for the other.
  ['set-cookie', 'head'],
  ['__proto__', 'head'],
])

const meaningOf = memoizeByName((name): { readonly lower: string; readonly kind: Kind } => {
  const lower = name.toLowerCase()
  return { lower, kind: KINDS.get(lower) ?? 'plain' }
})

/** Digits alone; -1 for anything else. */
function lengthOf(value: string): number {
  if (value.length === 0 || value.length > MAX_LENGTH_DIGITS) return -1
  let length = 0
  for (let index = 0; index < value.length; index += 1) {
    const digit = value.charCodeAt(index) - ZERO
    if (!(digit >= 0 && digit <= 9)) return -1
    length = length * 10 + digit
  }
  return length
}

/** Where the target ends in `text`; -1 when it is no request line of the plain form. */
function endOfTarget(text: string, start: number): number {
  if (text.charCodeAt(start) !== SLASH) return -1
  let end = start + 1
  while (TARGET[text.charCodeAt(end)] === 1) end += 1
  return text.startsWith(AFTER_TARGET, end) ? end : -1
}

/** `text`: field lines from `at` to the first empty line, which is there, one byte a character. */
export function readFields(text: string, at: number): PlainFields | NotPlain {
  const raw: string[] = []
  const headers = new FieldsByName()
  let bodyBytes = 0
  let close = false
  while (text.charCodeAt(at) !== CR) {
    let nameEnd = at
    while (TOKEN[text.charCodeAt(nameEnd)] === 1) nameEnd += 1
    if (nameEnd === at || text.charCodeAt(nameEnd) !== COLON) return 'head'
    let from = nameEnd + 1
    let end = from
    while (VALUE[text.charCodeAt(end)] === 1) end += 1
    if (text.charCodeAt(end) !== CR || text.charCodeAt(end + 1) !== LF) return 'head'
    const lineEnd = end + 2
    while (from < end && isBlank(text.charCodeAt(from))) from += 1
    while (end > from && text.charCodeAt(end - 1) === BLANK) end -= 1
    // In front of the line's end, a tab makes a bad length of a good one for one version of Node's parser, and for another not.
    if (text.charCodeAt(end - 1) === TAB) return 'head'
    const name = text.slice(at, nameEnd)
    const value = text.slice(from, end)
    const { lower, kind } = meaningOf(name)
    // Which of two counts, or how they are joined, is different from reader to reader.
    if (headers[lower] !== undefined) return 'head'
    if (kind === 'length') {
      bodyBytes = lengthOf(value)
      if (bodyBytes < 0) return 'body'
    } else if (kind === 'option') {
      const option = value.toLowerCase()
      close = option === 'close'
      if (!close && option !== 'keep-alive') return 'connection'
    } else if (kind !== 'plain') return kind
    headers[lower] = value
    raw.push(name, value)
    at = lineEnd
  }
  if (text.charCodeAt(at + 1) !== LF || headers['host'] === undefined || hasHiddenHeaders(raw)) return 'head'
  return { raw, headers, bodyBytes, close }
}

/** What is looked at first of a read: behind the head may be a body of any length. */
const USUAL_HEAD_BYTES = 4096
export const END_OF_HEAD = '\r\n\r\n'

/** The beginning of what was read, one byte a character: with a whole head in it, where there is one within `maxBytes`. */
export function headText(bytes: Buffer, maxBytes: number): string {
  const usual = bytes.toString('latin1', 0, Math.min(bytes.length, maxBytes, USUAL_HEAD_BYTES))
  const isAll = usual.length === bytes.length || usual.length === maxBytes
  return isAll || usual.includes(END_OF_HEAD) ? usual : bytes.toString('latin1', 0, Math.min(bytes.length, maxBytes))
}

/** `text`: a whole head with the empty line that ends it, and perhaps more behind it; one byte a character. */
export function readPlainHead(text: string): PlainHead | NotPlain {
  const methodEnd = text.indexOf(' ')
  if (methodEnd > LONGEST_METHOD) return 'head'
  const method = text.slice(0, methodEnd)
  if (!METHODS.has(method)) return 'head'
  const targetEnd = endOfTarget(text, methodEnd + 1)
  if (targetEnd === -1) return 'head'
  const fields = readFields(text, targetEnd + AFTER_TARGET.length)
  return typeof fields === 'string' ? fields : { method, target: text.slice(methodEnd + 1, targetEnd), fields }
}

function isBlank(code: number): boolean {
  return code === BLANK || code === TAB
}

const BEGUN_LINE = /^[A-Z-]+(?: (?:\/[^\s#]*(?: (?:H(?:T(?:T(?:P(?:\/(?:1(?:\.1?)?)?)?)?)?)?)?)?)?)?$/
const WHOLE_FIELD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~]*$/
const BEGUN_FIELD = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?::[\t -~]*)?)?\r?$/

/** Whether the beginning of a head may still become a plain one: what cannot is refused at once by Node's parser. */
export function mayBecomePlain(text: string): boolean {
  const [line = '', ...fields] = text.split('\r\n')
  if (fields.length === 0) return BEGUN_LINE.test(line.replace(/\r$/, ''))
  const last = fields.pop() ?? ''
  return (
    line.endsWith(' HTTP/1.1') &&
    BEGUN_LINE.test(line) &&
    fields.every((field) => WHOLE_FIELD.test(field)) &&
    BEGUN_FIELD.test(last)
  )
}
