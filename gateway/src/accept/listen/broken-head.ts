// Reads what it can of a head that could not be parsed: enough to decide which pages may read the refusal.

interface BrokenHead {
  readonly url: string | undefined
  readonly headers: { readonly host?: string; readonly origin?: string }
}

const REQUEST_LINE = /^(?:\r\n)*[A-Z-]+ (\S+) HTTP\/\d/
const HOST = /\r\nhost:[ \t]*([^\r\n]*)\r\n/i
const ORIGIN = /\r\norigin:[ \t]*([^\r\n]*)\r\n/i

/** Reads the packet that holds the fault. Of a head in several packets, the earlier ones are not available. */
export function readBrokenHead(packet: unknown): BrokenHead {
  const text = Buffer.isBuffer(packet) ? packet.toString('latin1') : ''
  const [host, origin] = [HOST.exec(text)?.[1]?.trim(), ORIGIN.exec(text)?.[1]?.trim()]
  return {
    url: REQUEST_LINE.exec(text)?.[1],
    headers: { ...(host === undefined ? {} : { host }), ...(origin === undefined ? {} : { origin }) },
  }
}
