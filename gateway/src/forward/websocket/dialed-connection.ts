// An upgraded connection to an upstream, wrapped for a client library that insists on doing the WebSocket handshake itself.
import { createHash } from 'node:crypto'
import { Duplex } from 'node:stream'

// RFC 6455 section 1.3.
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Returns the Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + ACCEPT_GUID)
    .digest('base64')
}

const END_OF_HEAD = '\r\n\r\n'

/**
 * Answers the library's handshake itself, then passes bytes to and from the upstream with backpressure. So the gateway can
 * complete the handshake with the upstream, and learn its subprotocol, before it answers the client.
 */
export class DialedConnection extends Duplex {
  readonly #upstream: Duplex
  readonly #protocol: string | undefined
  #head = ''
  #open = false

  /** `protocol` is the subprotocol of the handshake, the same that the client receives. */
  constructor(upstream: Duplex, protocol: string | undefined) {
    super()
    this.#upstream = upstream
    this.#protocol = protocol
    upstream.pause()
    upstream.on('error', (error) => {
      this.destroy(error)
    })
    upstream.on('close', () => {
      this.destroy()
    })
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (!this.#open) {
      this.#answerHandshake(chunk)
      callback()
    } else if (this.#upstream.write(chunk)) callback()
    else this.#upstream.once('drain', callback)
  }

  #answerHandshake(chunk: Buffer): void {
    this.#head += chunk.toString('latin1')
    if (!this.#head.endsWith(END_OF_HEAD)) return
    const key = /^sec-websocket-key: *(\S+)/im.exec(this.#head)?.[1] ?? ''
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
    lines.push(`Sec-WebSocket-Accept: ${acceptOf(key)}`)
    if (this.#protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${this.#protocol}`)
    this.#head = ''
    this.#open = true
    this.push(lines.join('\r\n') + END_OF_HEAD)
    this.#upstream.on('data', (data: Buffer) => {
      if (!this.push(data)) this.#upstream.pause()
    })
    this.#upstream.on('end', () => {
      this.push(null)
    })
  }

  override _read(): void {
    if (this.#open) this.#upstream.resume()
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#upstream.end()
    callback()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#upstream.destroy()
    callback(error)
  }
}
