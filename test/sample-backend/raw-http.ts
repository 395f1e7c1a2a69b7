// Speaks HTTP over a socket byte by byte, for what no HTTP client would send.
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** Without the status line; names as they came. */
  readonly headerLines: readonly string[]
  readonly body: Buffer
}

/** Sends a head and a body, and reads until the server closes; so the head must say `Connection: close`. */
export async function sendRaw(url: string, head: readonly string[], body: Buffer | string = ''): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(`${head.join('\r\n')}\r\n\r\n`, 'latin1')
  socket.write(body)

  const chunks: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  const answer = Buffer.concat(chunks)
  const end = answer.indexOf('\r\n\r\n')
  const [statusLine = '', ...headerLines] = answer.subarray(0, end).toString('latin1').split('\r\n')
  return { status: Number(statusLine.split(' ')[1]), headerLines, body: answer.subarray(end + 4) }
}
