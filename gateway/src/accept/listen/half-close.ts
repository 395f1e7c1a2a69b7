// Detects whether a client that closed its side still reads: writes bytes that are part of the response in any case.
import type { Socket } from 'node:net'

import { responseOn } from './current-response.ts'
import type { GatewayRequest, GatewayResponse } from '../../message/client-exchange.ts'
import type { Schedule } from '../../clock.ts'

/** The first bytes of every response. */
const BEGINNING = 'HTTP/1.1 '

/**
 * A half-closed client (`nc -N`) and one that has gone send the same FIN. Only a write tells them apart: the kernel of a
 * client that has gone replies with a reset, and the next write fails. Each round writes one byte. The delays let the reset of
 * a distant client arrive between two rounds, and find a client that goes later. After the last round without other bytes,
 * the gateway closes the connection. At most seven zeros go before a chunk size: some clients accept only sixteen digits.
 */
const ROUNDS_MS = [10, 40, 160, 640, 2560, 60_000, 300_000] as const
export const MOST_ASKED_BYTES = ROUNDS_MS.length

/** True when Node's parser has marked the request as an upgrade (an internal property). */
function isUpgrade(request: GatewayRequest & { readonly upgrade?: boolean | null }): boolean {
  return request.upgrade === true
}

/** A watched connection with one response. */
interface Asking {
  readonly response: GatewayResponse
  round: number
  /** Bytes written up to the last round. When there are more, the response makes progress. */
  written: number
}

/** Call it for a connection whose client has closed its side (`httpAllowHalfOpen`), and for each response after that. */
export function createHalfCloseWatch(schedule: Schedule): (socket: Socket) => void {
  function ask(socket: Socket, asking: Asking): void {
    const { response } = asking
    // An upgraded connection has a response too, but no byte of it can be sent ahead.
    if (responseOn(socket) !== response || isUpgrade(response.req) || socket.destroyed || !socket.writable) return
    if (socket.bytesWritten > asking.written) asking.round = 0
    const delayMs = ROUNDS_MS[asking.round]
    if (delayMs === undefined) {
      socket.destroy()
      return
    }
    if (!writeOne(socket, response)) return
    asking.round += 1
    asking.written = socket.bytesWritten
    schedule(delayMs, () => {
      ask(socket, asking)
    })
  }

  return (socket) => {
    const response = responseOn(socket)
    if (response !== undefined) ask(socket, { response, round: 0, written: Infinity })
  }
}

/** Writes one byte that the response contains in any case. False when the response offers none. */
function writeOne(socket: Socket, response: GatewayResponse): boolean {
  if (!response.headersSent) {
    sendBeginning(socket)
    return true
  }
  if (response.chunkedEncoding) {
    // A chunk size may begin with zeros (RFC 9112 section 7.1).
    if (!response.writableEnded && response.req.method !== 'HEAD') socket.write('0', 'latin1')
    return true
  }
  // A body with a length ends by itself. An event stream to an HTTP/1.0 client has neither an end nor a byte to send ahead.
  if (isEventStream(response)) socket.destroy()
  return false
}

interface Beginning {
  sent: number
  readonly write: Socket['write']
}

const beginnings = new WeakMap<Socket, Beginning>()

function beginAnswer(socket: Socket): Beginning {
  const write = socket.write.bind(socket)
  const beginning: Beginning = { sent: 0, write }
  beginnings.set(socket, beginning)
  // The first write is the head, as a string: remove the bytes that are sent already.
  socket.write = (head: string, ...rest: []) => {
    beginnings.delete(socket)
    socket.write = write
    return socket.write(head.slice(beginning.sent), ...rest)
  }
  return beginning
}

function sendBeginning(socket: Socket): void {
  const beginning = beginnings.get(socket) ?? beginAnswer(socket)
  beginning.write(BEGINNING.charAt(beginning.sent), 'latin1')
  beginning.sent += 1
}

function isEventStream(response: GatewayResponse): boolean {
  const { _header: head } = response as GatewayResponse & { readonly _header?: string | null }
  // A stream of the fast lane goes out in chunks, since it speaks HTTP/1.1 alone.
  return typeof head === 'string' && /\r\ncontent-type: *text\/event-stream/i.test(head)
}
