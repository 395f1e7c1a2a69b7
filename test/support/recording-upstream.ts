// An upstream that writes down what it gets, as it got it, and answers what the test says.
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import type { Teardown } from './test-gateway.ts'

export interface RecordedRequest {
  readonly method: string
  readonly url: string
  /** Names as they came, in pairs. */
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface RecordingUpstream {
  readonly url: string
  readonly port: number
  readonly requests: RecordedRequest[]
  /** Trailers of each request, as they came. */
  readonly trailers: (readonly string[])[]
  /** Connections open now. */
  readonly open: () => number
}

/** Answers 200 `{"ok":true}` after the body, unless the test brings its own listener. */
export async function startUpstream(t: Teardown, listener?: RequestListener): Promise<RecordingUpstream> {
  const requests: RecordedRequest[] = []
  const trailers: (readonly string[])[] = []
  let connections = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', rawHeaders, headers, rawTrailers } = request
      trailers.push(rawTrailers)
      requests.push({ method, url, rawHeaders, headers, body: Buffer.concat(chunks) })
      if (listener === undefined) response.setHeader('content-type', 'application/json').end('{"ok":true}')
    })
    listener?.(request, response)
  })
  server.on('connection', (socket) => {
    connections += 1
    socket.on('close', () => (connections -= 1))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, requests, trailers, open: () => connections }
}

/** All values of a header as the upstream got it, whatever its case. */
export function headerValues(request: RecordedRequest | undefined, name: string): string[] {
  const raw = request?.rawHeaders ?? []
  return raw.filter((_value, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name.toLowerCase())
}

/** The decoded auth result that the upstream got; undefined when it got none. */
export function authResultOf(
  request: RecordedRequest | undefined,
  name = 'x-auth-result',
): Record<string, unknown> | undefined {
  const [value] = headerValues(request, name)
  return value === undefined
    ? undefined
    : (JSON.parse(Buffer.from(value, 'base64url').toString('utf8')) as Record<string, unknown>)
}
