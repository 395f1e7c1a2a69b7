// Browser pages in one process: each sends a few requests at once, takes over renewed tokens, and logs in again when it is refused.
import { Pool } from 'undici'

import { GRACE_SEC, LIFETIME_SEC, WINDOW_SEC, type Policy } from './rules.ts'

export interface ClientsParts {
  readonly policy: Policy
  readonly ports: readonly number[]
  readonly clients: number
  readonly seconds: number
  readonly logIn: (expiresInSec: number) => string
}

export interface Observed {
  requests: number
  /** Refused though their session was alive: the token would have been good, had it not been renewed. */
  refused: number
  /** Refused because the answer took longer than the token lived: the machine was too busy for this bench. */
  late: number
  failed: number
  /** Old tokens that were renewed, and the distinct tokens that came of it. */
  renewals: number
  minted: number
  /** Latency in milliseconds of requests whose token was not due, and of those whose token was. */
  readonly plainMs: number[]
  readonly dueMs: number[]
}

/** What a page does at once: three calls for what it shows. */
const AT_ONCE = 3
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [1000, 2000]

interface Held {
  readonly token: string
  readonly exp: number
}

function hold(token: string): Held {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }
  return { token, exp: claims.exp }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export async function runClients({ policy, ports, clients, seconds, logIn }: ClientsParts): Promise<Observed> {
  const pools = ports.map((port) => new Pool(`http://127.0.0.1:${port}`, { connections: 200 }))
  const observed: Observed = {
    requests: 0,
    refused: 0,
    late: 0,
    failed: 0,
    renewals: 0,
    minted: 0,
    plainMs: [],
    dueMs: [],
  }
  const successors = new Map<string, Set<string>>()
  const endAtMs = Date.now() + seconds * 1000

  async function page(): Promise<void> {
    let held = hold(logIn(1 + Math.ceil(Math.random() * (LIFETIME_SEC - 1))))
    await pause(Math.random() * LONGEST_PAUSE_MS)

    async function call(): Promise<void> {
      const { token, exp } = held
      const pool = pools[Math.floor(Math.random() * pools.length)]
      const dueSec = policy === 'naive-grace' ? exp : exp - WINDOW_SEC
      const startedAt = performance.now()
      const isDue = Date.now() / 1000 >= dueSec
      const response = await pool?.request({ method: 'GET', path: '/', headers: { authorization: `Bearer ${token}` } })
      await response?.body.arrayBuffer()
      observed.requests += 1
      ;(isDue ? observed.dueMs : observed.plainMs).push(performance.now() - startedAt)
      if (response?.statusCode === 401) {
        if (Date.now() / 1000 < dueSec + (policy === 'naive-grace' ? GRACE_SEC : WINDOW_SEC)) observed.refused += 1
        else observed.late += 1
        if (held.token === token) held = hold(logIn(LIFETIME_SEC))
      } else if (response?.statusCode !== 200) observed.failed += 1
      const renewed = response?.headers['x-renewed-token']
      if (typeof renewed !== 'string') return
      const known = successors.get(token) ?? new Set()
      successors.set(token, known.add(renewed))
      const next = hold(renewed)
      if (next.exp > held.exp) held = next
    }
    while (Date.now() < endAtMs) {
      await Promise.all(Array.from({ length: AT_ONCE }, call))
      await pause(SHORTEST_PAUSE_MS + Math.random() * (LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS))
    }
  }

  await Promise.all(Array.from({ length: clients }, page))
  await Promise.all(pools.map((pool) => pool.close()))
  observed.renewals = successors.size
  for (const minted of successors.values()) observed.minted += minted.size
  return observed
}
