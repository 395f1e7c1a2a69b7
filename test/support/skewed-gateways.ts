// Gateways as processes of their own whose clocks differ (libfaketime), in front of one upstream, with one Redis.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Test } from 'tap'

import { eventually } from './eventually.ts'
import { start } from './gateway-process.ts'
import { startRedis, type TestRedis } from './redis.ts'
import { ISSUER, SECRET } from './tokens.ts'

const LIBRARY = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path))

/** Beside it the package puts the library that is used here: what runs under the program itself is hard to end. */
export const faketimePath = '/usr/bin/faketime'
export const ADMIN_TOKEN = 'correct-horse-battery-staple'

export interface SkewedGateway {
  readonly url: string
  readonly adminUrl: string
  /** Of its log. */
  output(): string
  /** Status and `x-tollgate` of a call with this token, and the successor that came with it. */
  call(token: string): Promise<{ readonly says: string; readonly renewed: string | undefined }>
  /** Adds an entry; settles with the acknowledgement. */
  revoke(body: Record<string, unknown>): Promise<Record<string, unknown>>
  metrics(): Promise<string>
}

/** One that keeps nothing of what it gets: drills send hundreds of thousands of requests. */
async function startPlainUpstream(t: Test): Promise<string> {
  const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** `skewsMs`: how far the clock of each is ahead of that of this process and of Redis. */
export async function startSkewed(
  t: Test,
  skewsMs: readonly number[],
  { renewal = {}, clockTolerance = '10s' }: { renewal?: Record<string, unknown>; clockTolerance?: string } = {},
): Promise<{ readonly gateways: readonly SkewedGateway[]; readonly redis: TestRedis }> {
  const [upstream, redis] = [await startPlainUpstream(t), await startRedis(t)]
  const config = {
    listen: { port: 0 },
    admin: { port: 0, token: ADMIN_TOKEN },
    log: { access: 'off' },
    issuers: [
      {
        name: 'main',
        issuer: ISSUER,
        audiences: ['api'],
        algorithms: ['HS256'],
        clockTolerance,
        keys: { secret: { value: SECRET } },
        renewal: {
          window: '30s',
          lifetime: '60s',
          maxSession: '1h',
          signingKey: { secret: { value: SECRET }, alg: 'HS256' },
          ...renewal,
        },
      },
    ],
    revocation: { store: { redis: redis.url } },
    upstreams: { up: { targets: [upstream] } },
    routes: [{ path: '/*', upstream: 'up', websocket: true }],
  }
  const gateways = await Promise.all(
    skewsMs.map(async (skewMs): Promise<SkewedGateway> => {
      const { url, adminUrl, output } = await start(t, JSON.stringify(config), {
        ...(skewMs === 0 ? {} : { LD_PRELOAD: LIBRARY, FAKETIME: `${skewMs >= 0 ? '+' : ''}${skewMs / 1000}s` }),
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      })
      await eventually(async () => (await fetch(`${adminUrl}/readyz`)).status === 200, 'it is ready')
      return {
        url,
        adminUrl,
        output,
        async call(token) {
          const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
          await response.arrayBuffer()
          const code = response.headers.get('x-tollgate')
          return {
            says: code === null ? String(response.status) : `${response.status} ${code}`,
            renewed: response.headers.get('x-renewed-token') ?? undefined,
          }
        },
        async revoke(body) {
          const response = await fetch(`${adminUrl}/api/revocations`, {
            method: 'POST',
            headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
            body: JSON.stringify({ issuer: 'main', ...body }),
          })
          return { status: response.status, ...((await response.json()) as Record<string, unknown>) }
        },
        metrics: async () => (await fetch(`${adminUrl}/metrics`)).text(),
      }
    }),
  )
  return { gateways, redis }
}
