// Reads what it can of a head that could not be parsed: enough to decide which pages may read the refusal.

interface BrokenHead {
  readonly url: string | undefined
  readonly headers: { readonly host?: string; readonly origin?: string }
}

const REQUEST_LINE = /^(?:\r\n)*[A-Z-]+ (\S+) HTTP\/\d/
// With their blanks, which are trimmed: an expression of their own for them could split a run of them anywhere, and a packet of
// blanks without an end took two seconds.
const HOST = /\r\nhost:([^\r\n]*)\r\n/i
const ORIGIN = /\r\norigin:([^\r\n]*)\r\n/i

/** Reads the packet that holds the fault. Of a head in several packets, the earlier ones are not available. */
export function readBrokenHead(packet: unknown): BrokenHead {
  const text = Buffer.isBuffer(packet) ? packet.toString('latin1') : ''
  const [host, origin] = [HOST.exec(text)?.[1]?.trim(), ORIGIN.exec(text)?.[1]?.trim()]
  return {
    url: REQUEST_LINE.exec(text)?.[1],
    headers: { ...(host === undefined ? {} : { host }), ...(origin === undefined ? {} : { origin }) },
  }
}
