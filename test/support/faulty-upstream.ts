// An upstream that does what upstreams do on their worst day, at random. Each honest answer repeats the id of its request.
import type { Socket } from 'node:net'

import { startSocketUpstream, type SocketUpstream } from './socket-upstream.ts'
import type { Teardown } from './test-gateway.ts'

/** What is sent where it does not belong: no client may ever see it. */
export const STRAY = 'stray-answer-for-nobody'

const stray = `HTTP/1.1 200 OK\r\nContent-Length: ${STRAY.length}\r\n\r\n${STRAY}`

function honest(id: string, repeat: number, extra = ''): string {
  const body = `<${id}>`.repeat(repeat)
  return `HTTP/1.1 200 OK\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`
}

/** `socket` has got a whole head, of the request `id`; what it does next is up to it. */
type Fault = (socket: Socket, id: string) => void

export const FAULTS: Readonly<Record<string, Fault>> = {
  resets: (socket) => socket.resetAndDestroy(),
  closes: (socket) => socket.end(),
  hangs: () => undefined,
  'talks garbage': (socket) => socket.write('220 mail.example.com ESMTP\r\n'),
  'talks binary garbage': (socket) => socket.write(Buffer.from(Array.from({ length: 200 }, (_item, index) => index))),
  'announces more than it sends': (socket, id) =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<${id}>`),
  'announces less than it sends': (socket, id) => socket.write(honest(id, 1) + stray),
  // Not later: once the next request is on the connection, nobody can tell that the answer is not for it.
  'sends a second answer': (socket, id) => {
    socket.cork()
    socket.write(honest(id, 1))
    socket.write(stray)
    socket.uncork()
  },
  'closes after the head': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'),
  'closes within the head': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
  'resets within a chunk': (socket, id) => {
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n<${id}>`)
    setTimeout(() => socket.resetAndDestroy(), 2)
  },
  'hangs within the body': (socket, id) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<${id}>`),
  'sends bad chunks': (socket, id) =>
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<${id}>\r\n0\r\n\r\n`),
  'has too large a head': (socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`),
  'says 100, then answers': (socket, id) => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${honest(id, 1)}`),
  'switches protocols': (socket) => socket.write('HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx'),
  'is overloaded': (socket) => socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'),
}

const GOOD: readonly Fault[] = [
  (socket, id) => socket.write(honest(id, 1)),
  (socket, id) => socket.write(honest(id, 3000)),
  (socket, id) => socket.write(honest(id, 1, 'Connection: close\r\n')),
  (socket, id) => socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n${honest(id, 3)}`),
  (socket, id) => {
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`)
    const chunk = `<${id}>`
    setTimeout(() => socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`), 3)
  },
]

/** Half of all requests meet a fault. Bodies of requests are waited for, or not. */
export function startFaultyUpstream(t: Teardown, random: () => number): Promise<SocketUpstream> {
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item
  const faults = Object.values(FAULTS)
  return startSocketUpstream(t, (socket) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      const id = /x-request-id: (\S+)/i.exec(text)?.[1] ?? 'none'
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
      const isImpatient = random() < 0.1
      if (text.length < end + 4 + length && !isImpatient) return
      text = ''
      if (socket.writable) pick(random() < 0.5 ? faults : GOOD)(socket, id)
    })
  })
}
