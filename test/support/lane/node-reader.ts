// The oracle: reads bytes with the parser of a real server of node:http, without a network.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

import { MemorySocket } from './memory-socket.ts'
import type { Reading } from './readings.ts'

/** As the gateway's own server has them: a test compares. */
export const PARSING = { maxHeaderSize: 16_384, requireHostHeader: false, requestTimeout: 0 } as const

export interface NodeReading {
  readonly requests: readonly Reading[]
  /** The code of the fault that was found. */
  readonly fault: string | undefined
}

export interface NodeReader {
  /** `fresh`: on a connection of its own, and not behind what was read before. */
  read(bytes: Buffer, fresh?: boolean): NodeReading
}

/** Requests on one connection. Nobody answers them, so they do not wait for each other. */
const MOST_REQUESTS = 50

function readingOf(request: IncomingMessage, response: ServerResponse): Reading {
  const { method = '', url: target = '', httpVersion: version, rawHeaders, headers, complete } = request
  const body = (request.read() as Buffer | null) ?? Buffer.alloc(0)
  const keepsAlive = response.shouldKeepAlive
  return { method, target, version, rawHeaders, headers, body, complete, keepsAlive }
}

/** A listener of `connection` gets the socket at once, and so does the parser the bytes: all of it happens in this turn. */
export function createNodeReader(maxHeaderSize: number = PARSING.maxHeaderSize): NodeReader {
  let arrived: [IncomingMessage, ServerResponse][] = []
  let fault: string | undefined
  let kept: MemorySocket | undefined
  let served = 0
  const server: Server = createServer({ ...PARSING, maxHeaderSize }, (request, response) => {
    arrived.push([request, response])
  })
  server.on('clientError', ({ code }: NodeJS.ErrnoException) => {
    fault = code
  })

  function connection(fresh: boolean): MemorySocket {
    if (kept !== undefined && !fresh && served < MOST_REQUESTS) return kept
    kept?.destroy()
    kept = new MemorySocket()
    served = 0
    server.emit('connection', kept)
    return kept
  }

  return {
    read(bytes, fresh = false) {
      arrived = []
      fault = undefined
      const socket = connection(fresh)
      socket.emit('data', bytes)
      served += 1
      const requests = arrived.map(([request, response]) => readingOf(request, response))
      const last = requests.at(-1)
      // Whatever follows would be read otherwise, or not at all.
      if (fault !== undefined || last?.complete !== true || !last.keepsAlive) {
        socket.destroy()
        kept = undefined
      }
      return { requests, fault }
    },
  }
}
