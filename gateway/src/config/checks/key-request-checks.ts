// Checks the options of a key fetch: headers, certificates and proxy are used only for remote keys, and headers must be valid.
import { options, text, type Loose } from './loose.ts'
import type { Finding, Path } from '../problem.ts'

const REMOTE_ONLY = ['ca', 'headers', 'proxy']
/** Headers of framing and of content negotiation, which the gateway sets itself (RFC 9110 section 7.6.1, RFC 9112). */
const NOT_TO_BE_SET = new Set(
  'accept-encoding connection content-length expect host keep-alive proxy-authorization proxy-connection te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
)

/** A field name (RFC 9110 section 5.1). */
const FIELD_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
/** A field value (RFC 9110 section 5.5): visible characters, spaces and tabs. Characters above Latin-1 cannot be encoded. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

export function isFieldValue(value: string): boolean {
  return FIELD_VALUE.test(value)
}

function unsendable(at: Path, option: string, written: unknown): readonly Finding[] {
  // A line break at the end, as in most files, is removed.
  if (isFieldValue(text(written)?.trim() ?? '')) return []
  return [{ path: [...at, option], message: 'has characters that no header can hold' }]
}

function checkHeaders(headers: Loose, path: Path): readonly Finding[] {
  const seen = new Set<string>()
  return Object.entries(headers).flatMap(([name, source]): Finding[] => {
    const at = [...path, name]
    const { value, file, prefix } = options(source)
    const lowered = name.toLowerCase()
    const isTwice = seen.has(lowered)
    seen.add(lowered)
    if (!FIELD_NAME.test(name)) return [{ path: at, atKey: true, message: 'is no name that a header can have' }]
    if (NOT_TO_BE_SET.has(lowered)) return [{ path: at, atKey: true, message: 'is set by the gateway' }]
    if (isTwice) return [{ path: at, atKey: true, message: 'this header is named twice' }]
    if ((value === undefined) === (file === undefined))
      return [{ path: at, atKey: true, message: 'needs exactly one of value, file' }]
    return [...unsendable(at, 'value', value), ...unsendable(at, 'prefix', prefix)]
  })
}

function isDecodable(escaped: string): boolean {
  try {
    decodeURIComponent(escaped)
    return true
  } catch {
    return false
  }
}

function checkProxy(proxy: unknown, path: Path): readonly Finding[] {
  const address = text(proxy)
  if (address === undefined || address === 'none') return []
  if (URL.canParse(address)) {
    const { username, password } = new URL(address)
    if (isDecodable(username) && isDecodable(password)) return []
    return [{ path, message: 'has a % in its user or password that escapes nothing', hint: 'write %25' }]
  }
  return [{ path, message: 'must be the address of a proxy, or none', hint: 'such as http://proxy.example.com:3128' }]
}

/** Checks the options of a fetch. `address` is the URL of the keys; undefined when keys are not fetched. */
export function checkKeyRequest(keys: Loose, path: Path, address: unknown): readonly Finding[] {
  if (address === undefined)
    return REMOTE_ONLY.filter((name) => keys[name] !== undefined).map((name) => ({
      path: [...path, name],
      atKey: true,
      message: 'has no effect: these keys are not fetched',
    }))
  const isPlain = text(address)?.startsWith('http://') === true
  return [
    ...(keys['ca'] !== undefined && isPlain
      ? [{ path: [...path, 'ca'], message: 'has no effect without TLS: the address must begin with https' }]
      : []),
    ...checkHeaders(options(keys['headers']), [...path, 'headers']),
    ...checkProxy(keys['proxy'], [...path, 'proxy']),
  ]
}
