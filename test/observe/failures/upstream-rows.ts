// Failures of upstreams.
import { call, OPEN, slow, twice, type Row } from './row.ts'

export const UPSTREAM_ROWS = {
  upstream_unreachable: {
    route: OPEN,
    upstream: { targets: ['http://127.0.0.1:1'] },
    send: (gateway) => call(gateway),
    told: /ECONNREFUSED 127\.0\.0\.1:1/,
  },
  upstream_reset: {
    route: OPEN,
    onConnection: (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-le')),
    send: (gateway) => call(gateway),
    told: /the connection ended before the response was complete/,
  },
  upstream_headers_too_large: {
    options: { limits: { responseHeaderBytes: '1KiB' } },
    route: OPEN,
    onConnection: (socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\na: ${'x'.repeat(4000)}\r\n\r\n`)),
    send: (gateway) => call(gateway),
    told: /the head of the response is too large: over 1024 bytes/,
  },
  upstream_invalid: {
    route: OPEN,
    onConnection: (socket) => socket.once('data', () => socket.write('SSH-2.0-OpenSSH_9.2\r\n\r\n')),
    send: (gateway) => call(gateway),
    told: /the head of the response is malformed/,
  },
  upstream_overloaded: {
    route: OPEN,
    upstream: { connections: 1, queue: { max: 0 } },
    onConnection: slow,
    send: twice,
    told: /all 1 connections to each target are busy: 0 requests wait already, at most 0 may/,
  },
  upstream_unhealthy: {
    route: OPEN,
    upstream: {
      targets: ['http://127.0.0.1:1', 'http://127.0.0.1:2'],
      health: { path: '/h', interval: '10ms', unhealthy: 1 },
    },
    send: async (gateway) => {
      while (!gateway.lines.some(({ code }) => code === 'upstream_unhealthy')) await call(gateway)
    },
    told: /none of 2 targets is healthy, one is needed/,
  },
  upstream_timeout: {
    route: OPEN,
    upstream: { timeouts: { headers: '50ms' } },
    onConnection: (socket) => socket.resume(),
    send: (gateway) => call(gateway),
    told: /the response did not begin within 50 ms \(timeouts\.headers\)/,
  },
} satisfies Readonly<Record<string, Row>>
