// Buffers early bytes of a connection during an upgrade, and notices when the peer closes it.
import type { Duplex } from 'node:stream'

/** Clients send nothing before the 101, so more bytes than this end the connection. */
const MAX_EARLY_BYTES = 65_536

/**
 * Reads a connection that Node has released (events upgrade and connect). Without a reader, the end of the client's stream
 * would stay unnoticed behind buffered bytes. Returns a function that stops reading and puts the bytes back for the next
 * reader. Destroys the connection of a client that sends more than 64 KiB.
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
