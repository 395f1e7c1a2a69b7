// Failures of requests, before and beside their tokens.
import t from 'tap'
import { join } from 'node:path'

import { sendRaw } from '../../support/raw-http.ts'
import { runCli } from '../../support/run-cli.ts'
import type { TestGatewayParts } from '../../support/test-gateway.ts'
import { call, HOST, OPEN, raw, slow, twice, withToken, type Row } from './row.ts'

async function explained(method: string, path: string): Promise<string> {
  const config = `upstreams: { up: { targets: [http://127.0.0.1:1] } }\nroutes: [{ path: /things, upstream: up, auth: none, methods: [GET] }]\n`
  const file = join(t.testdir({ 'c.yaml': config }), 'c.yaml')
  return (await runCli('explain', '-c', file, method, path)).out
}

export const REQUEST_ROWS = {
  path_unsafe: {
    route: OPEN,
    send: raw(`GET /x%2fy HTTP/1.1${HOST}`),
    told: /an escaped slash \(encodedSlashes of the route\)/,
  },
  request_invalid: {
    send: raw(`POST /x HTTP/1.1${HOST}\r\ntransfer-encoding: gzip, chunked`),
    told: /transfer-encoding is "gzip, chunked", wanted is "chunked"/,
  },
  route_not_found: { send: () => explained('GET', '/thing'), told: /\/thing\b[^]*\/things/ },
  method_not_allowed: {
    route: { ...OPEN, methods: ['GET'] },
    send: raw(`POST /x HTTP/1.1${HOST}`),
    told: /the path takes GET\b[^]*"method":"POST"/,
  },
  body_too_large: {
    options: { limits: { bodyBytes: '1KiB' } },
    route: OPEN,
    send: (gateway) => call(gateway, undefined, { method: 'POST', body: 'x'.repeat(2000) }),
    told: /content-length announces 2000 bytes, allowed are 1024/,
  },
  websocket_version: {
    route: { ...OPEN, websocket: true },
    send: ({ port }) =>
      sendRaw(
        port,
        `GET /x HTTP/1.1${HOST}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 8\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
        50,
      ).then(() => undefined),
    told: /sec-websocket-version is "8", wanted is 13/,
  },
  headers_too_large: {
    send: ({ port }) =>
      sendRaw(port, `GET /x HTTP/1.1${HOST}\r\n${'a: b\r\n'.repeat(1100)}\r\n`, 50).then(() => undefined),
    told: /a thousand headers or more came, fewer are read/,
  },
  request_timeout: {
    options: { limits: { requestTimeout: '1s' } },
    // The head of a plain request waits in the fast lane first, whose turns are seconds.
    send: ({ port }) => sendRaw(port, `POST /x HTTP/1.1${HOST}`, 8000).then(() => undefined),
    told: /the head did not come within 1000 ms \(limits\.requestTimeout\)/,
  },
  internal_error: {
    parts: {
      wrapSteps: (steps: object) => ({
        ...steps,
        admit() {
          throw new Error('what nobody thought of')
        },
      }),
    } as TestGatewayParts,
    send: (gateway) => call(gateway),
    told: /what nobody thought of/,
  },
  // What came is in the access line, what is wanted in the title: there is no more to say.
  method_not_implemented: { send: raw(`CONNECT a:443 HTTP/1.1${HOST}`), told: /"method":"CONNECT"/ },
  version_not_supported: { send: raw('GET /x'), told: /"code":"version_not_supported"/ },
  auth_result_too_large: {
    options: { authResult: { maxBytes: '1KiB' } },
    send: withToken({ filler: 'x'.repeat(2000) }),
    told: /the header would have \d+ bytes, allowed are 1024/,
  },
  overloaded: {
    options: { limits: { inFlight: 1 } },
    route: OPEN,
    onConnection: slow,
    send: twice,
    told: /2 requests are under way, allowed are 1 \(limits\.inFlight\)/,
  },
} satisfies Readonly<Record<string, Row>>
