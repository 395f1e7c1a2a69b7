// Which bytes of a head that could not be parsed a log may show: the line at fault, without what may be a secret in it.

export interface Fault {
  /** How many bytes of the packet could be parsed. */
  readonly at: number
  /** The parser's error code, such as HPE_INVALID_METHOD. */
  readonly code: string
  /** True when the packet is the first of its connection. */
  readonly isFirst: boolean
}

const SHOWN_BYTES = 48
const LINE_FEED = 0x0a

/** Of the first word: later ones may be the password of another protocol (`AUTH secret`). */
const METHOD_FAULT = 'HPE_INVALID_METHOD'
const REQUEST_LINE_FAULTS = new Set(['HPE_INVALID_URL', 'HPE_INVALID_VERSION', 'HPE_INVALID_CONSTANT'])
/** What was at fault is, or may be, of a body. */
const OF_A_BODY = /CHUNK|TRAILER|EOF_STATE|CLOSED_CONNECTION/

/** Of a request line what comes before the query; of a header its name and the byte after it; of a folded line nothing. */
function withoutSecrets(line: string, code: string): string {
  if (code === METHOD_FAULT) return /^[^ ?]*/.exec(line)?.[0] ?? ''
  if (REQUEST_LINE_FAULTS.has(code)) return /^[^?]*/.exec(line)?.[0] ?? ''
  return /^[\w!#$%&'*+.^`|~-]+[^\w!#$%&'*+.^`|~-]?/.exec(line)?.[0] ?? ''
}

/** `GET /\x01`: what is no printable ASCII as its number. */
function escapeBytes(text: string): string {
  return text.replace(/[^\x20-\x7e]|\\/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** The line at fault as text, escaped and cut to length; undefined when nothing of it may be shown. */
export function bytesAtFault(packet: Buffer, { at, code, isFirst }: Fault): string | undefined {
  const before = at === 0 ? -1 : packet.lastIndexOf(LINE_FEED, at - 1)
  const isFirstLine = before === -1 && isFirst
  // What stands at the beginning of a later packet may be the rest of any line, of a token's too; and what is no method
  // behind a request may be what is left of its body.
  if (OF_A_BODY.test(code) || (!isFirstLine && (before === -1 || code === METHOD_FAULT))) return undefined
  const end = packet.indexOf(LINE_FEED, before + 1)
  const line = packet.toString('latin1', before + 1, end === -1 ? packet.length : end)
  const shown = withoutSecrets(line, code)
  if (shown === '') return undefined
  return escapeBytes(shown.slice(0, SHOWN_BYTES)) + (shown.length > SHOWN_BYTES ? '…' : '')
}
