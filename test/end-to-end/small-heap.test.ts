import t from 'tap'
import { once } from 'node:events'

import { start, type Started } from '../support/gateway-process.ts'
import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import type { Teardown } from '../support/test-gateway.ts'
import { goodClaims, SECRET, signText } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'

// The cache may hold more than this heap many times over.
const HEAP = { NODE_OPTIONS: '--max-old-space-size=128' }
const TOKENS = 3000
const AT_ONCE = 50

function configText(upstream: string, workers = 1): string {
  return `
listen: { port: 0 }
admin: { port: 0 }
workers: ${workers}
tokens: { cache: { maxTokens: 10000000, maxBytes: 4GiB } }
issuers: [{ name: main, issuer: 'https://issuer.example.com/', audiences: [api], algorithms: [HS256], keys: { secret: { value: '${SECRET}' } } }]
upstreams: { up: { targets: ['${upstream}'] } }
routes:
  - { path: '/*', upstream: up }
  - { path: /closed, upstream: up, require: { scopes: { all: [nobody-has-this] } } }
`
}

/** 7 KB each, of two kinds: one long text takes 20 KB of the heap, and as many empty lists as fit take 70 KB. */
function tokenOf(index: number): string {
  const most = index % 2 === 0 ? { text: 'x'.repeat(4700) } : { lists: Array.from({ length: 1560 }, () => []) }
  return signText('{"alg":"HS256"}', JSON.stringify({ ...goodClaims({ sub: String(index) }), ...most }))
}

const metricOf = async ({ adminUrl }: Started, name: string) =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(`${adminUrl}/metrics`)).text())?.[1])

/** Sends so many at once on a connection of its own, and waits for as many answers of this status. */
async function send(t: Teardown, port: number, tokens: readonly string[], status: number): Promise<void> {
  const client = await openRaw(t, port)
  const requests = tokens.map((token) => `GET /closed HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  client.write(requests.join(''))
  const answers = () => client.received().split(`HTTP/1.1 ${status} `).length - 1
  await waitFor(() => answers() === tokens.length || client.closed())
  client.socket.destroy()
  if (answers() !== tokens.length) throw new Error(`${answers()} of ${tokens.length} were answered ${status}`)
}

t.test('a token cache that may hold more than the heap is bounded, and the process serves on', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await start(t, configText(upstream.url), HEAP)
  t.match(gateway.output(), /"configured":"4096MiB","used":"32MiB","heap":"128MiB"/)

  for (let sent = 0; sent < TOKENS; sent += AT_ONCE) {
    const tokens = Array.from({ length: AT_ONCE }, (_, offset) => tokenOf(sent + offset))
    await send(t, Number(new URL(gateway.url).port), tokens, 403)
  }
  const entries = await metricOf(gateway, 'tollgate_token_cache_entries')
  t.ok(entries > 300 && entries < TOKENS, `${entries} of ${TOKENS} are remembered`)

  const statusOf = async (token: string) =>
    (await fetch(`${gateway.url}/api`, { headers: { authorization: `Bearer ${token}` } })).status
  const token = tokenOf(TOKENS)
  t.equal(await statusOf(token), 200, 'a new token')
  t.equal(await metricOf(gateway, 'tollgate_token_cache_hits_total'), 0)
  t.equal(await statusOf(token), 200, 'a remembered one')
  t.equal(await metricOf(gateway, 'tollgate_token_cache_hits_total'), 1)
  t.equal(gateway.child.exitCode ?? gateway.child.signalCode, null)
})

t.test('with workers it is told once, by the primary', async (t) => {
  const gateway = await start(t, configText('http://127.0.0.1:1', 2), HEAP)
  const ended = once(gateway.child, 'close')
  gateway.child.kill('SIGTERM')
  await ended
  t.equal(gateway.output().split('"used":"32MiB"').length - 1, 1)
  t.equal(gateway.errors(), '')
})
