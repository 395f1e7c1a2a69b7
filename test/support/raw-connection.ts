// A client connection held by the test: bytes go out and come in when it says so.
import { once } from 'node:events'
import { connect, type NetConnectOpts, type Socket } from 'node:net'

import { waitFor } from './wait-for.ts'
import type { Teardown } from './test-gateway.ts'

export interface RawConnection {
  readonly socket: Socket
  /** All that came so far. */
  received(): string
  write(bytes: string | Buffer): void
  /** Waits until what came matches, and returns it. */
  until(pattern: RegExp, withinMs?: number): Promise<string>
  readonly closed: () => boolean
}

/** `to`: a port of 127.0.0.1, or an address. */
export async function openRaw(t: Teardown, to: number | NetConnectOpts): Promise<RawConnection> {
  const socket = connect(typeof to === 'number' ? { port: to, host: '127.0.0.1' } : to)
  const chunks: Buffer[] = []
  let closed = false
  socket
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .on('error', () => undefined)
    .on('close', () => (closed = true))
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  const received = () => Buffer.concat(chunks).toString('latin1')
  return {
    socket,
    received,
    write: (bytes) => void socket.write(bytes),
    async until(pattern, withinMs = 5000) {
      await waitFor(() => pattern.test(received()) || closed, withinMs)
      return received()
    },
    closed: () => closed,
  }
}
