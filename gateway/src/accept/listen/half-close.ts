// Finds out whether a client that ended its side still waits or is gone: by writing bytes that the response has anyway.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { responseOn } from './current-response.ts'
import type { Schedule } from '../../clock.ts'

/** How every response begins. */
const BEGINNING = 'HTTP/1.1 '

/**
 * What a client sends when it ends its side (`nc -N`) is what its kernel sends when it left: only what is written to it tells
 * the two apart, as one that left answers with a reset, and the write after that fails. Each round writes one byte; the
 * rounds are apart so that the reset of a distant client arrives between two of them, and that one that leaves later is found out.
 * Whoever got nothing else through all of them is not waited for any longer. Sizes of chunks get seven zeros at most: some
 * clients take no more than sixteen digits.
 */
const ROUNDS_MS = [10, 40, 160, 640, 2560, 60_000, 300_000] as const

/** As Node's parser notes it. */
function isUpgrade(request: IncomingMessage & { readonly upgrade?: boolean | null }): boolean {
  return request.upgrade === true
}

/** What is asked about: a connection with one response. */
interface Asking {
  readonly response: ServerResponse
  round: number
  /** Bytes that were written, those of the last round included: more of them is a sign that all goes on. */
  written: number
}

/** For each connection of a server with `httpAllowHalfOpen`, when its client's side has ended, and with each response after that. */
export function createHalfCloseWatch(schedule: Schedule): (socket: Socket) => void {
  function ask(socket: Socket, asking: Asking): void {
    const { response } = asking
    // What was switched to another protocol has a response as well, and no bytes of it to spare.
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

/** Writes a byte that the response has in any case; false where it has no place for one. */
function writeOne(socket: Socket, response: ServerResponse): boolean {
  if (!response.headersSent) {
    sendBeginning(socket)
    return true
  }
  if (response.chunkedEncoding) {
    // The next chunk's size may begin with zeros (RFC 9112 section 7.1), the last one's too.
    if (!response.writableEnded && response.req.method !== 'HEAD') socket.write('0', 'latin1')
    return true
  }
  // A body with a length comes to its end; a stream of events to an HTTP/1.0 client has none, and no place for a byte of ours.
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
  // What is written first is the head, as a text: it lacks what was sent of it already.
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

function isEventStream(response: ServerResponse): boolean {
  const { _header: head } = response as ServerResponse & { readonly _header: string | null }
  return head !== null && /\r\ncontent-type: *text\/event-stream/i.test(head)
}
