// The gateways of the growth rows: each with so many routes, remembered tokens, or issuers.
import type { Load } from '../harness/wrk.ts'
import { tokenFile } from '../harness/wrk.ts'
import { createNumberedTokens } from '../load/numbered-tokens.ts'
import { sendTokens } from '../load/start-send-tokens.ts'
import { API_ROUTE, readMetric, startTollgate, type TollgateServer } from '../load/tollgate.ts'
import { progress } from '../report/progress.ts'
import { createKeys, createTokens, ISSUER } from '../verify/keys-and-tokens.ts'

export interface GrowthPoint {
  readonly server: TollgateServer
  readonly load: Pick<Load, 'tokens'> & Partial<Load>
}

export interface Growth {
  readonly name: string
  readonly counts: readonly number[]
  /** The counts of a quick run. */
  readonly quick: readonly number[]
  start(count: number, upstream: string): Promise<GrowthPoint>
}

const TOKENS = 1000

function routes(): Growth {
  const keys = createKeys('ES256')
  const tokens = tokenFile(createTokens(keys, TOKENS))
  return {
    name: 'routes',
    counts: [1, 10, 100, 1000],
    quick: [1, 100],
    async start(count, upstream) {
      const services = Array.from({ length: count }, (_, index) => `/service-${index}/things`)
      const server = await startTollgate({
        name: `${count} routes`,
        upstream,
        keys: [keys],
        config: { routes: services.map((path) => ({ ...API_ROUTE, path: `${path}/*` })) },
      })
      return { server, load: { tokens, paths: services.map((path) => `${path}/1`) } }
    },
  }
}

// Of a million, these are in use now. More would only make the load's script larger: so many have long fallen out of the
// processor's caches.
const MOST_MEASURED = 20_000
const FILL_MS = 600_000

function rememberedTokens(): Growth {
  const tokenOf = createNumberedTokens()
  return {
    name: 'remembered tokens',
    counts: [10, 1000, 100_000, 1_000_000],
    quick: [10, 10_000],
    async start(count, upstream) {
      const server = await startTollgate({
        name: `${count} remembered tokens`,
        upstream,
        keys: [createKeys('HS256')],
        config: {
          tokens: { cache: { maxTokens: 1_100_000, maxAge: '2h' } },
          routes: [API_ROUTE, { path: '/closed', upstream: 'backend', require: { scopes: { all: ['nobody:has'] } } }],
        },
      })
      progress(`growth: filling the cache with ${count} tokens`)
      // 403 is the cheapest answer after a verification: nothing is forwarded.
      const filler = sendTokens({
        url: server.url,
        path: '/closed',
        status: 403,
        count,
        connections: 16,
        pipelined: 16,
      })
      await filler.line(FILL_MS)
      await filler.stop()
      const ready = await readMetric(server.adminUrl, 'tollgate_token_cache_entries')
      const signatures = await readMetric(server.adminUrl, 'tollgate_token_cache_signatures')
      if (ready + signatures !== count) throw new Error(`the cache holds ${ready} + ${signatures} tokens, not ${count}`)
      const measured = Math.min(count, MOST_MEASURED)
      const stride = Math.floor(count / measured)
      return {
        server,
        load: { tokens: tokenFile(Array.from({ length: measured }, (_, index) => tokenOf(index * stride))) },
      }
    },
  }
}

function issuers(): Growth {
  return {
    name: 'issuers',
    counts: [1, 10, 50],
    quick: [1, 50],
    async start(count, upstream) {
      const keys = Array.from({ length: count }, (_, index) =>
        createKeys('ES256', index === 0 ? ISSUER : `https://issuer-${index}.example.com/`),
      )
      const server = await startTollgate({ name: `${count} issuers`, upstream, keys })
      const byIssuer = keys.map((one) => createTokens(one, Math.ceil(TOKENS / count)))
      const inTurn = Array.from({ length: TOKENS }, (_, index) => byIssuer[index % count]?.[Math.floor(index / count)])
      return { server, load: { tokens: tokenFile(inTurn.filter((token) => token !== undefined)) } }
    },
  }
}

const ADMIN_TOKEN = 'an-admin-token-for-benches-of-many-characters'
const LINES_AT_ONCE = 5000

/** Entries that block none of the measured tokens, but that each of them has to be looked up in. */
async function revoke(adminUrl: string, count: number): Promise<void> {
  const until = Math.floor(Date.now() / 1000) + 86_400
  for (let first = 0; first < count; first += LINES_AT_ONCE) {
    const length = Math.min(LINES_AT_ONCE, count - first)
    const lines = Array.from({ length }, (_, index) =>
      JSON.stringify({ jti: `revoked-${first + index}`, issuer: 'bench-0', until }),
    )
    const response = await fetch(`${adminUrl}/api/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    })
    const text = await response.text()
    if (response.status !== 201) throw new Error(`revocations: ${response.status} ${text.slice(0, 200)}`)
  }
  const held = await readMetric(adminUrl, 'tollgate_revocations')
  if (held !== count) throw new Error(`the block list holds ${held} entries, not ${count}`)
}

function revokedEntries(): Growth {
  const keys = createKeys('ES256')
  const tokens = tokenFile(createTokens(keys, TOKENS))
  return {
    name: 'revoked entries',
    counts: [0, 1000, 100_000, 1_000_000],
    quick: [0, 10_000],
    async start(count, upstream) {
      const server = await startTollgate({
        name: `${count} revoked entries`,
        upstream,
        keys: [keys],
        adminToken: ADMIN_TOKEN,
      })
      progress(`growth: revoking ${count} tokens`)
      await revoke(server.adminUrl, count)
      return { server, load: { tokens } }
    },
  }
}

export function createGrowths(): readonly Growth[] {
  return [routes(), rememberedTokens(), issuers(), revokedEntries()]
}
