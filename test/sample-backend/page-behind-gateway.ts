// Puts a stand-in for the gateway in front of a sample backend, with the routes that the page needs.
import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose'
import type { Test } from 'tap'

import { buildForTest, encodeAuthResult, listen } from './sample-server.ts'

const PUBLIC_PATHS = new Set(['/', '/page.css', '/page.js', '/favicon.svg', '/login', '/page-config.json'])

/** The URLs at which a browser finds the page: through the gateway, and past it. */
export interface Pair {
  readonly gatewayUrl: string
  readonly backendUrl: string
}

export async function startPair(t: Test): Promise<Pair> {
  const gateway = createServer()
  const gatewayUrl = await listenAnywhere(gateway)
  t.teardown(() => {
    gateway.closeAllConnections()
    gateway.close()
  })

  const backendUrl = await listen(await buildForTest(t, { gatewayUrl }))
  const keys = createRemoteJWKSet(new URL(`${backendUrl}/.well-known/jwks.json`))
  gateway.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void pass(request, response, backendUrl, keys)
  })
  return { gatewayUrl, backendUrl }
}

async function listenAnywhere(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  backendUrl: string,
  keys: ReturnType<typeof createRemoteJWKSet>,
): Promise<void> {
  const path = request.url ?? '/'
  const headers = { ...request.headers }
  delete headers['x-auth-result']

  if (!PUBLIC_PATHS.has(path)) {
    if (!path.startsWith('/api/')) return refuse(response, 404, 'route_not_found', 'No route for this path')
    const token = request.headers.authorization?.replace('Bearer ', '')
    if (token === undefined) return refuse(response, 401, 'token_missing', 'No token came with the request')
    try {
      headers['x-auth-result'] = toAuthResult((await jwtVerify(token, keys)).payload)
    } catch (error) {
      const expired = error instanceof errors.JWTExpired
      if (expired) return refuse(response, 401, 'token_expired', 'The token has expired')
      return refuse(response, 401, 'signature_invalid', 'The signature of the token is not valid')
    }
  }

  const target = new URL(path.replace(/^\/api(?=\/)/, ''), backendUrl)
  const upstream = forward(target, { method: request.method ?? 'GET', headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  request.pipe(upstream)
}

function toAuthResult(claims: JWTPayload): string {
  const { sub: subject, exp: expiresAt } = claims
  const scopes = String(claims['scope']).split(' ')
  return encodeAuthResult({ authenticated: true, issuer: 'sample', subject, scopes, expiresAt, claims })
}

function refuse(response: ServerResponse, status: number, code: string, title: string): void {
  response
    .writeHead(status, { 'content-type': 'application/problem+json', 'x-tollgate': code })
    .end(JSON.stringify({ type: `urn:tollgate:${code}`, title, status, code, requestId: 'test' }))
}
