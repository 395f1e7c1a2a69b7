// A connection to an upstream that has already switched to WebSocket, for a client library that does the handshake itself.
import { createHash } from 'node:crypto'
import { Duplex } from 'node:stream'

// RFC 6455 section 1.3.
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The value of Sec-WebSocket-Accept that answers a Sec-WebSocket-Key. */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + ACCEPT_GUID)
    .digest('base64')
}

const END_OF_HEAD = '\r\n\r\n'

/**
 * Answers the one handshake that is written to it, and from then on is the upstream's connection, with backpressure both
 * ways. So the gateway can dial, and see the upstream's choice of subprotocol, before it promises a client anything.
 */
export class DialedConnection extends Duplex {
  readonly #upstream: Duplex
  readonly #protocol: string | undefined
  #head = ''
  #open = false

  /** `protocol` is the subprotocol to tell the library: what the client was told. */
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
