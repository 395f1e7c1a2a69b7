// What tests of listeners ask: where a gateway listens, and what is answered there.
import { request, type RequestOptions } from 'node:http'
import { createServer, type NetConnectOpts } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

/** The address of a listener as the gateway tells it. */
export function addressIn(
  url = '',
): NetConnectOpts & ({ readonly path: string } | { readonly host: string; readonly port: number }) {
  if (url.startsWith('unix:')) return { path: url.slice('unix:'.length) }
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
}

export interface Answered {
  readonly status: number
  readonly connection: string | undefined
  readonly body: string
}

/** One request on a connection of its own; rejects with the code of what went wrong. */
export function askAt(url: string | undefined, path = '/', options: RequestOptions = {}): Promise<Answered> {
  const address = addressIn(url)
  const to = 'path' in address ? { socketPath: address.path } : address
  return new Promise((resolve, reject) => {
    request({ ...to, path, agent: false, headers: { host: 'a' }, ...options }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, connection: response.headers.connection, body })
      })
    })
      .on('error', (error: NodeJS.ErrnoException) => {
        reject(new Error(error.code))
      })
      .end()
  })
}

/** A port that was free a moment ago. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
