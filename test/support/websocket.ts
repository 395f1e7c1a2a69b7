// WebSockets for tests: an upstream that echoes, and clients that tell how they ended.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer, type ClientOptions, type ServerOptions } from 'ws'

import { openRaw } from './raw-connection.ts'
import { FIRST_BYTE_MS } from './raw-http.ts'
import type { Teardown } from './test-gateway.ts'

export interface WebSocketUpstream {
  readonly url: string
  readonly handshakes: IncomingMessage[]
  readonly sockets: WebSocket[]
  /** Codes and reasons with which connections ended. */
  readonly closes: [code: number, reason: string][]
}

/** Echoes every message, unless the test brings its own listener. */
export async function startWebSocketUpstream(
  t: Teardown,
  options: ServerOptions = {},
  onSocket?: (socket: WebSocket) => void,
): Promise<WebSocketUpstream> {
  const http = createServer((_request, response) => response.end('plain'))
  const server = new WebSocketServer({ server: http, ...options })
  const upstream: WebSocketUpstream = { url: '', handshakes: [], sockets: [], closes: [] }
  server.on('connection', (socket, request) => {
    upstream.handshakes.push(request)
    upstream.sockets.push(socket)
    socket.on('close', (code, reason) => upstream.closes.push([code, reason.toString()]))
    socket.on('error', () => undefined)
    if (onSocket === undefined) socket.on('message', (data, binary) => socket.send(data, { binary }))
    else onSocket(socket)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => {
    for (const socket of server.clients) socket.terminate()
    http.closeAllConnections()
    http.close()
  })
  return Object.assign(upstream, { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` })
}

export interface OpenedWebSocket {
  readonly socket: WebSocket
  /** Status of the handshake's answer: 101 when it was opened. */
  readonly status: number
  /** `x-tollgate` of a refusal. */
  readonly code: string | undefined
  readonly body: string
}

/** Opens a WebSocket, or tells how it was refused. */
export async function openWebSocket(
  url: string,
  protocols: string[] = [],
  options: ClientOptions = {},
): Promise<OpenedWebSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, options)
  socket.on('error', () => undefined)
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      resolve({ socket, status: 101, code: undefined, body: '' })
    })
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const code = response.headers['x-tollgate'] as string | undefined
        resolve({ socket, status: response.statusCode ?? 0, code, body: Buffer.concat(chunks).toString() })
      })
    })
    socket.on('error', reject)
  })
}

/** The next message as text. */
export async function nextMessage(socket: WebSocket): Promise<string> {
  const [data] = (await once(socket, 'message')) as [Buffer]
  return data.toString()
}

/** How it ended. */
export async function closeOf(socket: WebSocket): Promise<[code: number, reason: string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, reason.toString()]
}

/** A handshake by hand: what came back after it within `quietMs`, or until the connection was closed. */
export async function rawHandshake(
  port: number,
  headers: readonly string[],
  { path = '/ws/a', method = 'GET', key = 'dGhlIHNhbXBsZSBub25jZQ==', quietMs = 200 } = {},
): Promise<{ readonly answer: string; readonly closed: boolean }> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket
    .on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      socket.setTimeout(quietMs)
    })
    .on('error', () => undefined)
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: a',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
  ]
  socket.write([...head, `Sec-WebSocket-Key: ${key}`, ...headers, '', ''].join('\r\n'))
  socket.setTimeout(Math.max(quietMs, FIRST_BYTE_MS), () => socket.destroy())
  let closed = true
  socket.on('timeout', () => (closed = false))
  await once(socket, 'close')
  return { answer: Buffer.concat(chunks).toString('latin1'), closed }
}

/** A handshake by hand: the head of its answer, as soon as that is here. */
export async function handshakeHead(
  t: Teardown,
  port: number,
  path: string,
  headers: readonly string[],
): Promise<string> {
  const { socket, write, until } = await openRaw(t, port)
  const head = [
    `GET ${path} HTTP/1.1`,
    'Host: a',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
  ]
  write([...head, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...headers, '', ''].join('\r\n'))
  const answer = await until(/\r\n\r\n/)
  socket.destroy()
  return answer
}
