// Two servers without a network, one with the fast lane and one without: both answer each request with what they read of it.
import { createServer, type Server } from 'node:http'

import { openLane } from '../../../gateway/src/accept/lane/lane.ts'
import { ParserCounts } from '../../../gateway/src/accept/lane/parser-counts.ts'
import type { GatewayRequest, GatewayResponse } from '../../../gateway/src/message/client-exchange.ts'
import { MemorySocket } from './memory-socket.ts'
import { PARSING } from './node-reader.ts'
import type { Reading } from './readings.ts'

/** What came of one connection. */
export interface Told {
  readonly requests: readonly Reading[]
  /** Of those, the ones that the lane served. */
  readonly byLane: number
  readonly fault: string | undefined
  /** All that the client got, with one date. */
  readonly written: string
}

export interface MemoryServer {
  /** Sends the pieces, each in a turn of its own, and waits until nothing more happens. */
  tell(pieces: readonly Buffer[]): Promise<Told>
}

/** A path that the lane has no route for. */
export const NODE_ONLY = '/node-only'

/** Turns of the event loop without a sign of life: all that is under way is in memory. */
const QUIET_TURNS = 4

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export type Respond = (request: GatewayRequest, response: GatewayResponse, body: Buffer) => void

function echo({ url = '' }: GatewayRequest, response: GatewayResponse, body: Buffer): void {
  response.writeHead(200, 'OK', ['Content-Length', String(body.length + 1), 'X-Target', encodeURIComponent(url)])
  response.end(`<${body.toString('latin1')}`, 'latin1')
}

/** Unless `respond` is said, each request is answered with what was read of it. */
export function createMemoryServer(withLane: boolean, respond: Respond = echo): MemoryServer {
  let requests: Reading[] = []
  let byLane = 0
  let fault: string | undefined

  function answer(request: GatewayRequest, response: GatewayResponse): void {
    const pieces: Buffer[] = []
    const { shouldKeepAlive: keepsAlive } = response
    request
      .on('data', (piece) => void pieces.push(piece))
      .on('end', () => {
        const { method = '', url: target = '', httpVersion: version, rawHeaders, headers, complete } = request
        const body = Buffer.concat(pieces)
        requests.push({ method, target, version, rawHeaders, headers, body, complete, keepsAlive })
        respond(request, response, body)
      })
  }

  const server: Server = createServer({ ...PARSING }, answer)
  server.on('clientError', ({ code }: NodeJS.ErrnoException) => {
    // Behind a request that ends its connection; when bytes come late, the connection is closed before them.
    if (code !== 'HPE_CLOSED_CONNECTION') fault ??= code
  })
  if (withLane)
    openLane<unknown>(server, {
      schedule: () => () => undefined,
      maxHeadBytes: PARSING.maxHeaderSize,
      counts: new ParserCounts(),
      headersTimeoutMs: 0,
      maxWaiting: () => 100,
      held: { count: 0 },
      onLost: () => undefined,
      isRetired: () => false,
      serve(request, response) {
        if (request.url === NODE_ONLY) return false
        byLane += 1
        answer(request, response)
        return true
      },
    })

  return {
    async tell(pieces) {
      requests = []
      byLane = 0
      fault = undefined
      const socket = new MemorySocket()
      server.emit('connection', socket)
      for (const piece of pieces) {
        socket.push(piece)
        await turn()
      }
      const signs = () => requests.length + socket.written.length
      for (let quiet = 0, last = -1; quiet < QUIET_TURNS; quiet = signs() === last ? quiet + 1 : 0) {
        last = signs()
        await turn()
      }
      socket.destroy()
      const closes = requests.some(({ keepsAlive }) => !keepsAlive)
      const written = socket.written.toString('latin1').replace(/\r\nDate: [^\r]*/g, '\r\nDate: -')
      // Behind a request that ends its connection nothing counts, be it right or wrong.
      return { requests, byLane, fault: closes ? undefined : fault, written }
    },
  }
}
