// An upstream that does with its sockets what the test says: for answers that no HTTP library would send.
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

import type { Teardown } from './test-gateway.ts'

export interface SocketUpstream {
  readonly url: string
  readonly port: number
  /** Connections open now, and all that there ever were. */
  readonly open: () => number
  readonly connections: () => number
}

export async function startSocketUpstream(t: Teardown, onSocket: (socket: Socket) => void): Promise<SocketUpstream> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, open: () => sockets.size, connections: () => connections }
}

/** Gives each request without a body these bytes as its answer, whatever they are. */
export function startAnswering(t: Teardown, bytes: string | ((head: string) => string)): Promise<SocketUpstream> {
  return startSocketUpstream(t, (socket) => {
    let head = ''
    socket.on('data', (chunk: Buffer) => {
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      const answer = typeof bytes === 'string' ? bytes : bytes(head)
      head = ''
      socket.write(answer, 'latin1')
    })
  })
}
