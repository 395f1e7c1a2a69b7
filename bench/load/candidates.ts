// What is put under load: the floor, and the gateway with tokens of every kind.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startChild, type Child } from './child.ts'
import { createKeys, createTokens, forge, ISSUER } from '../verify/keys-and-tokens.ts'

export interface LoadCandidate {
  readonly name: string
  readonly process: Child
  readonly tokens: readonly string[]
  readonly status: number
  /** Whether the upstream must see an auth result; undefined where the request does not come to it. */
  readonly sawResult: 'yes' | 'no' | undefined
  readonly path: string
  readonly connections: number
}

const TOKENS = 1000

function writeConfig(upstream: string, publicPem: string, maxTokens: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-'))
  writeFileSync(join(directory, 'key.pem'), publicPem)
  const config = `
listen: { port: 0 }
admin: { port: 0 }
log: { level: warn, access: off }
tokens: { cache: { maxTokens: ${maxTokens} } }
issuers:
  - { name: bench, issuer: "${ISSUER}", audiences: [api], algorithms: [RS256], keys: { pemFile: key.pem } }
upstreams: { backend: { targets: ["${upstream}"] } }
routes:
  - { path: /api/*, upstream: backend, require: { scopes: { all: [things:read] } } }
`
  writeFileSync(join(directory, 'gateway.yaml'), config)
  return join(directory, 'gateway.yaml')
}

export async function startCandidates(): Promise<readonly LoadCandidate[]> {
  const backend = await startChild('backend.js', [], 1)
  const upstream = `http://127.0.0.1:${backend.hello.port}`
  const keys = createKeys('RS256')
  const good = createTokens(keys, TOKENS)
  const start = (maxTokens: number) =>
    startChild('gateway.js', [writeConfig(upstream, keys.publicPem ?? '', maxTokens)], 0)
  const [floor, gateway, forgetful] = [
    await startChild('floor.js', [upstream], 0),
    await start(100_000),
    await start(1),
  ]
  const small = { path: '/api/things', connections: 64 }
  const large = { path: '/api/large', connections: 16 }
  return [
    { name: 'floor: proxy without auth', process: floor, tokens: good, status: 200, sawResult: 'no', ...small },
    { name: 'Tollgate, cache hit', process: gateway, tokens: good, status: 200, sawResult: 'yes', ...small },
    {
      name: 'Tollgate, cache miss',
      process: forgetful,
      tokens: createTokens(keys, 5 * TOKENS),
      status: 200,
      sawResult: 'yes',
      ...small,
    },
    {
      name: 'Tollgate rejects, expired',
      process: gateway,
      tokens: createTokens(keys, TOKENS, { iat: 1000, exp: 2000 }),
      status: 401,
      sawResult: undefined,
      ...small,
    },
    {
      name: 'Tollgate rejects, forged',
      process: gateway,
      tokens: good.map(forge),
      status: 401,
      sawResult: undefined,
      ...small,
    },
    {
      name: 'Tollgate rejects, garbage',
      process: gateway,
      tokens: good.map((token) => token.replaceAll('.', '!')),
      status: 401,
      sawResult: undefined,
      ...small,
    },
    { name: 'floor, 1 MiB answer', process: floor, tokens: good, status: 200, sawResult: 'no', ...large },
    { name: 'Tollgate, 1 MiB answer', process: gateway, tokens: good, status: 200, sawResult: 'yes', ...large },
  ]
}
