// Bytes over a socket: for requests that no honest client would send.
import { connect } from 'node:net'

/** A busy machine may let the first byte wait: silence is counted after it. */
export const FIRST_BYTE_MS = 2000

/** Sends these bytes and returns all that came back until the other side closed, or until `quietMs` of silence. */
export function sendRaw(port: number, bytes: string | Buffer, quietMs = 300): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setTimeout(Math.max(quietMs, FIRST_BYTE_MS), () => socket.destroy())
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      socket.setTimeout(quietMs)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      resolve(Buffer.concat(chunks).toString('latin1'))
    })
  })
}

/** The status line's number of a raw answer; 0 when there is none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0)
}

/** The failure code that the gateway named. */
export function codeOf(answer: string): string | undefined {
  return /^x-tollgate: (\S+)\r$/m.exec(answer)?.[1]
}
