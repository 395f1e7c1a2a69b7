// Clients that are at work all the time, of each kind: keep-alive requests, uploads, downloads, event streams and WebSockets.
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'

import type { Teardown } from './test-gateway.ts'

/** A body takes half a second: there is always one under way. */
const CHUNKS = 10
const CHUNK = Buffer.alloc(10_000, 'x')
const CHUNK_EVERY_MS = 50
const EVENT_EVERY_MS = 50

/** Answers by path: `/same/up`, `/same/down`, `/same/events`, anything else at once. */
export async function startSteadyUpstream(t: Teardown): Promise<string> {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let bytes = 0
    for await (const chunk of request) bytes += (chunk as Buffer).length
    if (request.url === '/same/up') response.end(String(bytes))
    else if (request.url === '/same/down') {
      response.writeHead(200, { 'content-length': CHUNKS * CHUNK.length })
      for (let sent = 0; sent < CHUNKS; sent += 1) {
        response.write(CHUNK)
        await pause(CHUNK_EVERY_MS)
      }
      response.end()
    } else if (request.url === '/same/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const sending = setInterval(() => response.write('data: x\n\n'), EVENT_EVERY_MS)
      response.on('close', () => {
        clearInterval(sending)
      })
    } else response.end('served')
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => undefined)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export interface Traffic {
  /** How often what came of each kind: `ok`, or why not. */
  readonly counts: ReadonlyMap<string, number>
  readonly total: () => number
  /** All that did not end as it should, with how often. */
  readonly failures: () => readonly string[]
  /** Waits for what is under way. */
  stop(): Promise<void>
}

interface Ask {
  readonly method?: string
  readonly path: string
  readonly agent: Agent | false
  readonly body?: () => AsyncIterable<Buffer>
}

/** Resolves to the status and the length of the body; to status 0 and why where none came or not all of it. */
async function ask(url: string, token: string, { method = 'GET', path, agent, body }: Ask) {
  try {
    const request = httpRequest(`${url}${path}`, {
      method,
      agent,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-length': CHUNKS * CHUNK.length }) },
    })
    const responded = once(request, 'response') as Promise<[IncomingMessage]>
    responded.catch(() => undefined)
    if (body === undefined) request.end()
    else {
      for await (const chunk of body()) request.write(chunk)
      request.end()
    }
    const [response] = await responded
    let text = ''
    for await (const chunk of response) text += (chunk as Buffer).toString('latin1')
    return { status: response.statusCode ?? 0, text }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { status: 0, text: code ?? message }
  }
}

async function* slowBody(): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < CHUNKS; sent += 1) {
    yield CHUNK
    await pause(CHUNK_EVERY_MS)
  }
}

const asTold = ({ status, text }: { readonly status: number; readonly text: string }) =>
  `${status} ${text.slice(0, 60)}`

/** One echo after the other; closing with 1001 (going away) is what a gateway may do. */
async function echo(url: string, token: string, isOver: () => boolean): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${token}` } })
  const closed = new Promise<string>((resolve) => {
    socket.on('close', (code) => {
      resolve(code === 1001 || code === 1000 ? 'ok' : `closed ${code}`)
    })
    socket.on('error', ({ message }) => {
      resolve(message)
    })
    socket.on('open', () => {
      socket.send('x')
    })
    socket.on('message', () => {
      if (isOver()) socket.close(1000)
      else setTimeout(() => socket.readyState === WebSocket.OPEN && socket.send('x'), EVENT_EVERY_MS)
    })
  })
  return closed
}

/** `keepAlive`: how many clients send one request after the other. Of each other kind there are two. */
export function startTraffic(url: string, token: string, keepAlive: number): Traffic {
  const counts = new Map<string, number>()
  let over = false
  const isOver = () => over
  const note = (kind: string, outcome: string) => {
    const key = `${kind}: ${outcome}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }

  async function again(kind: string, once: () => Promise<string>): Promise<void> {
    while (!over) note(kind, await once())
  }

  async function request(agent: Agent): Promise<string> {
    const told = await ask(url, token, { path: '/same/x', agent })
    return told.status === 200 && told.text === 'served' ? 'ok' : asTold(told)
  }
  async function upload(): Promise<string> {
    const told = await ask(url, token, { method: 'POST', path: '/same/up', agent: false, body: slowBody })
    return told.status === 200 && Number(told.text) === CHUNKS * CHUNK.length ? 'ok' : asTold(told)
  }
  async function download(): Promise<string> {
    const told = await ask(url, token, { path: '/same/down', agent: false })
    return told.status === 200 && told.text.length === CHUNKS * CHUNK.length ? 'ok' : asTold(told)
  }
  /** One that was ended in order has its last chunk. */
  async function events(): Promise<string> {
    const ended = ask(url, token, { path: '/same/events', agent: false })
    const told = await Promise.race([ended, untilOver()])
    return told === undefined || (told.status === 200 && told.text.startsWith('data: x')) ? 'ok' : asTold(told)
  }
  async function untilOver(): Promise<undefined> {
    while (!over) await pause(EVENT_EVERY_MS)
    return undefined
  }

  const clients = [
    ...Array.from({ length: keepAlive }, () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      return again('request', () => request(agent)).finally(() => {
        agent.destroy()
      })
    }),
    ...[upload, upload].map((one) => again('upload', one)),
    ...[download, download].map((one) => again('download', one)),
    ...[events, events].map((one) => again('events', one)),
    ...[1, 2].map(() => again('websocket', () => echo(url, token, isOver))),
  ]
  return {
    counts,
    total: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    failures: () => [...counts].filter(([key]) => !key.endsWith(': ok')).map(([key, count]) => `${key} (${count})`),
    async stop() {
      over = true
      await Promise.all(clients)
    },
  }
}
