// Reads Host, Origin and the target from a malformed head, to choose the CORS headers of its answer.

interface BrokenHead {
  readonly url: string | undefined
  readonly headers: { readonly host?: string; readonly origin?: string }
}

const REQUEST_LINE = /^(?:\r\n)*[A-Z-]+ (\S+) HTTP\/\d/
// White space is matched with the value and trimmed later: a separate expression backtracks, and a packet of spaces took two
// seconds.
const HOST = /\r\nhost:([^\r\n]*)\r\n/i
const ORIGIN = /\r\norigin:([^\r\n]*)\r\n/i

/** Reads the packet with the fault. Earlier packets of the same head are not available. */
export function readBrokenHead(packet: unknown): BrokenHead {
  const text = Buffer.isBuffer(packet) ? packet.toString('latin1') : ''
  const [host, origin] = [HOST.exec(text)?.[1]?.trim(), ORIGIN.exec(text)?.[1]?.trim()]
  return {
    url: REQUEST_LINE.exec(text)?.[1],
    headers: { ...(host === undefined ? {} : { host }), ...(origin === undefined ? {} : { origin }) },
  }
}
