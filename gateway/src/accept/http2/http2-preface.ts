// Tells by its first bytes whether a connection without TLS speaks HTTP/2 with prior knowledge (RFC 9113 section 3.3).
import type { Socket } from 'node:net'

import type { Schedule } from '../../clock.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** `http1`: whatever is not HTTP/2. `cut` and `late`: a beginning that both have, and no more of it. */
export type Beginning = 'http2' | 'http1' | 'cut' | 'late' | 'nothing'

function ignore(): void {
  // A connection that fails is closed, and who listens for that comes to know.
}

/**
 * Reads the first bytes, says what they are, and puts back those of a request; nothing when the connection fails first. A request of
 * HTTP/1.1 that begins with another letter than the preface is told by its first packet.
 */
export function readPreface(
  socket: Socket,
  { schedule, timeoutMs }: { readonly schedule: Schedule; readonly timeoutMs: number },
  decide: (beginning: Beginning) => void,
): void {
  let read: Buffer = Buffer.alloc(0)
  const cancel =
    timeoutMs === 0
      ? undefined
      : schedule(timeoutMs, () => {
          conclude('late')
        })

  function stop(): void {
    cancel?.()
    socket.off('data', onData).off('end', onEnd).off('close', stop).off('error', ignore)
  }
  function conclude(beginning: Beginning): void {
    stop()
    if (beginning === 'http1' || beginning === 'http2') {
      socket.pause()
      socket.unshift(read)
    }
    decide(beginning)
  }
  function onData(piece: Buffer): void {
    read = read.length === 0 ? piece : Buffer.concat([read, piece])
    const known = Math.min(read.length, PREFACE.length)
    if (PREFACE.compare(read, 0, known, 0, known) !== 0) conclude('http1')
    else if (known === PREFACE.length) conclude('http2')
  }
  function onEnd(): void {
    conclude(read.length === 0 ? 'nothing' : 'cut')
  }
  socket.on('data', onData).on('end', onEnd).on('close', stop).on('error', ignore)
}
