// The floor: the least a proxy on this platform can do, node:http in front of undici's dispatch, without any check.
import { createServer, type ServerResponse } from 'node:http'
import { keepTickShape } from 'tollgate/operate/process/tick-shape.js'
import { Pool, type Dispatcher } from 'undici'

// The least that is possible: a floor that happened to be slow would flatter us (decision 0019).
keepTickShape()

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
])

class Exchange implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse
  #resume: (() => void) | undefined

  constructor(response: ServerResponse) {
    this.#response = response
  }

  onConnect(): void {
    // Nothing to prepare.
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    const headers: string[] = []
    for (let index = 0; index < raw.length; index += 2) {
      const name = (raw[index] as Buffer).toString('latin1')
      if (!HOP_BY_HOP.has(name.toLowerCase())) headers.push(name, (raw[index + 1] as Buffer).toString('latin1'))
    }
    this.#resume = resume
    this.#response.writeHead(status, headers)
    return true
  }

  onData(chunk: Buffer): boolean {
    // A client that left will never drain: what is for it is read to its end, or the connection would be lost to the pool.
    if (this.#response.write(chunk) || this.#response.destroyed) return true
    this.#response.once('drain', this.#resume as () => void).once('close', this.#resume as () => void)
    return false
  }

  onComplete(): void {
    this.#response.end()
  }

  onError(): void {
    this.#response.destroy()
  }
}

const [port, upstream = ''] = process.argv.slice(2)
const pool = new Pool(upstream, { connections: 128, pipelining: 1 })
const server = createServer((request, response) => {
  const headers: string[] = []
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] as string
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers.push(name, request.rawHeaders[index + 1] as string)
  }
  const body =
    request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
      ? request
      : null
  pool.dispatch(
    { method: request.method as Dispatcher.HttpMethod, path: request.url ?? '/', headers, body },
    new Exchange(response),
  )
})
server.listen(Number(port), '127.0.0.1')
