// Redacts malformed bytes for the log: shows the line at fault without parts that may be secrets.

export interface Fault {
  /** Offset of the fault in the packet, in bytes. */
  readonly at: number
  /** The parser's error code, such as HPE_INVALID_METHOD. */
  readonly code: string
  /** True when the packet is the first of its connection. */
  readonly isFirst: boolean
}

const SHOWN_BYTES = 48
const LINE_FEED = 0x0a

/** Most characters of the first word. Later words may be a password of another protocol (`AUTH secret`). */
const METHOD_FAULT = 'HPE_INVALID_METHOD'
const REQUEST_LINE_FAULTS = new Set(['HPE_INVALID_URL', 'HPE_INVALID_VERSION', 'HPE_INVALID_CONSTANT'])
/** Error codes for faults that are, or may be, in a body. */
const OF_A_BODY = /CHUNK|TRAILER|EOF_STATE|CLOSED_CONNECTION/

/** Returns a request line up to its query, a header up to the byte after its name, and nothing of a folded line. */
function withoutSecrets(line: string, code: string): string {
  if (code === METHOD_FAULT) return /^[^ ?]*/.exec(line)?.[0] ?? ''
  if (REQUEST_LINE_FAULTS.has(code)) return /^[^?]*/.exec(line)?.[0] ?? ''
  return /^[\w!#$%&'*+.^`|~-]+[^\w!#$%&'*+.^`|~-]?/.exec(line)?.[0] ?? ''
}

/** Escapes bytes that are not printable ASCII: `GET /\x01`. */
function escapeBytes(text: string): string {
  return text.replace(/[^\x20-\x7e]|\\/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** The line at fault as text, escaped and cut to length; undefined when nothing of it may be shown. */
export function bytesAtFault(packet: Buffer, { at, code, isFirst }: Fault): string | undefined {
  const before = at === 0 ? -1 : packet.lastIndexOf(LINE_FEED, at - 1)
  const isFirstLine = before === -1 && isFirst
  // A later packet may begin in the middle of a line with a token; and an invalid method after a request may be the rest of
  // its body.
  if (OF_A_BODY.test(code) || (!isFirstLine && (before === -1 || code === METHOD_FAULT))) return undefined
  const end = packet.indexOf(LINE_FEED, before + 1)
  const line = packet.toString('latin1', before + 1, end === -1 ? packet.length : end)
  const shown = withoutSecrets(line, code)
  if (shown === '') return undefined
  return escapeBytes(shown.slice(0, SHOWN_BYTES)) + (shown.length > SHOWN_BYTES ? '…' : '')
}
