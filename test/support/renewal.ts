// What tests of renewal share: an issuer whose tokens are renewed, and machines that hear of each other's block list.
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Test } from 'tap'

import type { Clock } from '../../gateway/src/clock.ts'
import type { BlockList } from '../../gateway/src/revoke/block-list.ts'
import { createFakeClock } from './fake-clock.ts'
import { startUpstream } from './recording-upstream.ts'
import { startTestGateway, type TestGateway, type TestGatewayParts } from './test-gateway.ts'
import { hmacIssuer, signHmac, type ClaimChanges } from './tokens.ts'

/** A private key in a file, as `pemFile` names it. */
export function writePrivateKey(t: Test, type: 'ec' | 'rsa' | 'ed25519' = 'ed25519'): string {
  const file = join(t.testdir({}), 'renewal.pem')
  const format = { privateKeyEncoding: { type: 'pkcs8', format: 'pem' } } as const
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const
  const { privateKey } =
    type === 'ed25519'
      ? generateKeyPairSync('ed25519', { ...format, publicKeyEncoding })
      : type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256', ...format, publicKeyEncoding })
        : generateKeyPairSync('rsa', { modulusLength: 2048, ...format, publicKeyEncoding })
  writeFileSync(file, privateKey)
  return file
}

/** Tokens of HS256 from the issuer, successors of EdDSA from the gateway; 60 s ahead, for 300 s, in sessions of an hour. */
export function renewingIssuer(
  pemFile: string,
  renewal: Record<string, unknown> = {},
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return hmacIssuer({
    algorithms: ['HS256', 'EdDSA'],
    renewal: {
      window: '60s',
      lifetime: '300s',
      maxSession: '1h',
      signingKey: { pemFile, alg: 'EdDSA' },
      ...renewal,
    },
    ...changes,
  })
}

/** A token of that issuer as it logs somebody in now. */
export function firstToken(clock: Clock, claims: ClaimChanges = {}): Promise<string> {
  const nowSec = Math.floor(clock.now() / 1000)
  return signHmac({ iat: nowSec, exp: nowSec + 300, auth_time: nowSec, jti: 'first', ...claims })
}

export interface Reply {
  readonly status: number
  readonly code: string | null
  readonly renewed: string | null
  readonly headers: Headers
}

export async function send(
  { url }: Pick<TestGateway, 'url'>,
  token: string | undefined,
  path = '/',
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(url + path, {
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    redirect: 'manual',
  })
  await response.arrayBuffer()
  const { status } = response
  return {
    status,
    code: response.headers.get('x-tollgate'),
    renewed: response.headers.get('x-renewed-token'),
    headers: response.headers,
  }
}

export function claimsOf(token: string | null): Record<string, unknown> {
  return JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>
}

/** Each list hears what happens on the others, at once: what a store does, without one. */
export function link(lists: readonly BlockList[]): void {
  for (const list of lists)
    list.onChange(({ entry, origin }) => {
      if (origin !== 'here') return
      for (const other of lists) if (other !== list) other.add(entry, 'store')
    })
}

/** Several gateways of one config, with the same keys, as machines of a cluster. */
export async function startMachines(
  t: Test,
  count: number,
  config: Record<string, unknown>,
  parts: TestGatewayParts,
): Promise<TestGateway[]> {
  const machines: TestGateway[] = []
  for (let index = 0; index < count; index += 1) machines.push(await startTestGateway(t, config, parts))
  link(machines.map(({ gateway }) => gateway.blockList))
  return machines
}

/** Gateways of one config in front of an upstream, with a clock in the test's hand. */
export async function startRenewing(
  t: Test,
  {
    renewal = {},
    issuer = {},
    machines = 1,
    tokens = {},
    routes,
  }: {
    renewal?: Record<string, unknown>
    issuer?: Record<string, unknown>
    machines?: number
    tokens?: Record<string, unknown>
    routes?: readonly Record<string, unknown>[]
  } = {},
) {
  const clock = createFakeClock()
  const upstream = await startUpstream(t)
  const config = {
    issuers: [renewingIssuer(writePrivateKey(t), renewal, issuer)],
    upstreams: { up: { targets: [upstream.url] } },
    tokens,
    routes: routes ?? [{ path: '/*', upstream: 'up' }],
  }
  const gateways = await startMachines(t, machines, config, { clock, schedule: clock.schedule })
  const [gateway] = gateways
  if (gateway === undefined) throw new Error('no gateway')
  return { clock, upstream, gateway, gateways }
}

/** The value of a counter for an issuer; 0 before it was counted. */
export async function counted({ gateway }: TestGateway, name: string): Promise<number> {
  const line = new RegExp(`^${name}\\{issuer="main"\\} (\\d+)`, 'm').exec(await gateway.metrics.text())
  return Number(line?.[1] ?? 0)
}
