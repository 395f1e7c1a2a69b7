// Reads the head of an HTTP/2 request: pseudo-header fields checked (RFC 9113 section 8.3), and named as in HTTP/1.1.
import { METHODS, type IncomingHttpHeaders } from 'node:http'

import type { FailureCode } from '../../failure.ts'
import { FieldsByName } from '../../message/fields/fields-by-name.ts'

/** The head as the stages read it, whatever is wrong with it: the answer to it names its path and its id. */
export interface Http2Head {
  readonly method: string
  readonly target: string
  /** Names and values in turn, without pseudo-header fields; Host first, whichever way it came. */
  readonly raw: readonly string[]
  /** By name, joined as node:http joins them. */
  readonly headers: IncomingHttpHeaders
  readonly refusal: FailureCode | undefined
}

/** What a head may be, as of HTTP/1.1. */
export interface HeadBounds {
  readonly maxBytes: number
}

const COLON = 0x3a
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)
/** Printable ASCII from `/`, without a fragment; or `*` for OPTIONS (section 8.3.1). */
const TARGET = /^\/[\x21\x22\x24-\x7e\x80-\xff]*$/

/** Section 8.2.2: a connection has its own frames for what these say. */
const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'http2-settings'],
])

/** Of these node:http keeps the first, all others it joins. */
const FIRST_COUNTS: ReadonlySet<string> = new Set([
  ...['age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host'],
  ...['if-modified-since', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards'],
  ...['proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent'],
])

class HeadReader {
  readonly raw: string[] = []
  readonly headers = new FieldsByName() as Record<string, string | string[]>
  method: string | undefined
  target: string | undefined
  scheme: string | undefined
  authority: string | undefined
  protocol: string | undefined
  refusal: FailureCode | undefined
  #cookieAt = -1

  readPseudo(name: string, value: string): void {
    if (name === ':method') this.method ??= value
    else if (name === ':path') this.target ??= value
    else if (name === ':scheme') this.scheme ??= value
    else if (name === ':authority' && this.authority === undefined) {
      this.authority = value
      this.raw.push('host', value)
      this.headers['host'] = value
    } else this.refusal = 'request_invalid'
  }

  read(name: string, value: string): void {
    if (OF_A_CONNECTION.has(name) || (name === 'te' && value !== 'trailers')) this.refusal = 'request_invalid'
    else if (name === 'host' && this.authority !== undefined) this.#compareHost(value)
    else {
      const before = this.headers[name]
      if (before !== undefined) this.#join(name, before, value)
      else if (name === 'set-cookie') this.#add(name, value, [value])
      else {
        if (name === 'cookie') this.#cookieAt = this.raw.length + 1
        this.#add(name, value, value)
      }
    }
  }

  /** Section 8.3.1: the authority is what counts, and a Host beside it must not say another. */
  #compareHost(value: string): void {
    if (value.toLowerCase() !== this.authority?.toLowerCase()) this.refusal = 'request_invalid'
  }

  #add(name: string, value: string, inHeaders: string | string[]): void {
    this.raw.push(name, value)
    this.headers[name] = inHeaders
  }

  #join(name: string, before: string | string[], value: string): void {
    if (name === 'cookie') {
      // Section 8.2.3: one field for who reads it as HTTP/1.1.
      this.headers[name] = this.raw[this.#cookieAt] = `${String(before)}; ${value}`
      return
    }
    this.raw.push(name, value)
    if (Array.isArray(before)) before.push(value)
    else if (!FIRST_COUNTS.has(name)) this.headers[name] = `${before}, ${value}`
  }
}

function faultOf({ method, target, scheme, headers }: HeadReader): FailureCode | undefined {
  if (method === undefined || !KNOWN_METHODS.has(method)) return 'request_invalid'
  // RFC 9110 section 9.3.6: a gateway must not offer tunnels. It has neither path nor scheme (section 8.5).
  if (method === 'CONNECT') return 'method_not_implemented'
  if (scheme !== 'http' && scheme !== 'https') return 'request_invalid'
  if (target === undefined || !(TARGET.test(target) || (target === '*' && method === 'OPTIONS')))
    return 'request_invalid'
  const { expect } = headers
  // RFC 9110 section 10.1.1: the only expectation there is.
  return expect === undefined || String(expect).toLowerCase() === '100-continue' ? undefined : 'request_invalid'
}

/** `fields`: names in lower case and values in turn, as they came. `hasBody`: the stream goes on after them. */
export function readHttp2Head(fields: readonly string[], hasBody: boolean, { maxBytes }: HeadBounds): Http2Head {
  const reader = new HeadReader()
  const { raw, headers } = reader
  let bytes = 0
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    const value = fields[index + 1] as string
    bytes += name.length + value.length
    if (name.charCodeAt(0) === COLON) reader.readPseudo(name, value)
    else reader.read(name, value)
  }
  // In HTTP/1.1 each line has four bytes more, and the request line much the same.
  const isTooLarge = bytes + fields.length * 2 > maxBytes
  // A body without a length is what HTTP/1.1 calls chunked, and what the stages know it by; `raw` goes to the upstream.
  if (hasBody && headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked'
  return {
    method: reader.method ?? '',
    target: reader.target ?? '',
    raw,
    headers,
    refusal: isTooLarge ? 'headers_too_large' : (reader.refusal ?? faultOf(reader)),
  }
}
