// A connection that is being switched and that nobody reads yet: notices when the peer leaves, and keeps what arrives.
import type { Duplex } from 'node:stream'

/** None that waits for its 101 sends anything: more than this is no client. */
const MAX_EARLY_BYTES = 65_536

/**
 * For a connection that Node has let go of (upgrade, connect). Without somebody who reads, the end of the client's side stays
 * behind what it sent, and what it took stays taken. Returns what gives back all that came, for the one who reads next;
 * a client that sends too much is cut off.
 */
export function keepEarlyBytes(socket: Duplex): () => void {
  const early: Buffer[] = []
  let bytes = 0
  function onReadable(): void {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      early.push(chunk)
      bytes += chunk.length
    }
    if (bytes > MAX_EARLY_BYTES) socket.destroy()
  }
  socket.on('readable', onReadable)
  return () => {
    socket.off('readable', onReadable)
    if (bytes > 0) socket.unshift(Buffer.concat(early))
  }
}
