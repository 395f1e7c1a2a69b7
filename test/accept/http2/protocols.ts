// The same request over HTTP/1.1 and HTTP/2, with TLS and without: what the upstream got of it and what the client.
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type ClientHttp2Session } from 'node:http2'
import { request as httpsRequest } from 'node:https'

import type { Teardown } from '../../support/test-gateway.ts'

export interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
  readonly trailers?: Readonly<Record<string, string>>
}

export interface Got {
  readonly status: number | 'reset'
  /** By name in lower case, without those of a connection, of a time and of one request. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly trailers: Readonly<Record<string, string>>
  /** Interim responses. */
  readonly infos: readonly number[]
}

export type Protocol = 'http/1.1' | 'h2'
export const AUTHORITY = 'api.example:8443'

const OWN = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date', 'x-request-id', ':status'])

function comparable(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !OWN.has(name))
      .map(([name, value]) => [name, String(value)] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  )
}

const withoutId = (body: string) => body.replace(/"requestId":"[^"]*"/, '"requestId":""')

function over1(origin: string, { method = 'GET', path, headers = {}, body, trailers }: Asked): Promise<Got> {
  const chunked = body !== undefined && headers['content-length'] === undefined
  const sent = { host: AUTHORITY, ...headers, ...(chunked ? { 'transfer-encoding': 'chunked' } : {}) }
  const send = origin.startsWith('https') ? httpsRequest : httpRequest
  const request = send(origin, { method, path, headers: sent, agent: false, rejectUnauthorized: false })
  const infos: number[] = []
  return new Promise((resolve) => {
    request.on('continue', () => infos.push(100))
    request.on('information', ({ statusCode }) => infos.push(statusCode))
    request.on('error', () => {
      resolve({ status: 'reset', headers: {}, body: '', trailers: {}, infos })
    })
    request.on('response', (response: IncomingMessage) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', () => undefined)
      response.on('close', () => {
        const { statusCode = 0, complete, trailers: last } = response
        resolve({
          status: complete ? statusCode : 'reset',
          headers: comparable(response.headers),
          body: withoutId(Buffer.concat(pieces).toString('latin1')),
          trailers: comparable(last),
          infos: infos.filter((status, index) => status !== 100 || infos.indexOf(100) === index),
        })
      })
    })
    if (trailers !== undefined) request.addTrailers(trailers)
    request.end(body)
  })
}

async function over2(session: ClientHttp2Session, asked: Asked): Promise<Got> {
  const { method = 'GET', path, headers = {}, body, trailers } = asked
  const { host = AUTHORITY, ...rest } = headers
  const fields = { ':method': method, ':path': path, ':authority': String(host), ...rest }
  const stream = session.request(fields, { endStream: body === undefined, waitForTrailers: trailers !== undefined })
  const infos: number[] = []
  const pieces: Buffer[] = []
  let got: Record<string, unknown> = {}
  let last: Record<string, unknown> = {}
  let ended = false
  stream
    .on('wantTrailers', () => {
      stream.sendTrailers(trailers ?? {})
    })
    .on('headers', (fields: Record<string, unknown>) => infos.push(Number(fields[':status'])))
    .on('response', (fields: Record<string, unknown>) => (got = fields))
    .on('trailers', (fields: Record<string, unknown>) => (last = fields))
    .on('data', (piece: Buffer) => pieces.push(piece))
    .on('end', () => (ended = true))
    .on('error', () => undefined)
  if (body !== undefined) stream.end(body)
  await new Promise((resolve) => stream.once('close', resolve))
  const whole = ended && (stream.rstCode === 0 || stream.rstCode === undefined)
  return {
    status: whole ? Number(got[':status']) : 'reset',
    headers: comparable(got),
    body: withoutId(Buffer.concat(pieces).toString('latin1')),
    trailers: comparable(last),
    infos,
  }
}

/** A client of one gateway in both protocols: one connection a request, and one for all. */
export async function startClient(
  t: Teardown,
  origin: string,
): Promise<(protocol: Protocol, asked: Asked) => Promise<Got>> {
  const session = connect(origin, { rejectUnauthorized: false })
  session.on('error', () => undefined)
  await once(session, 'connect')
  t.teardown(() => {
    session.destroy()
  })
  return (protocol, asked) => (protocol === 'h2' ? over2(session, asked) : over1(origin, asked))
}
