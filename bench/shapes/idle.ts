// Idle keep-alive connections: what each takes of memory, and what they cost the requests of others.
import { setTimeout as pause } from 'node:timers/promises'

import type { Shape } from './shape.ts'
import { PATHS } from '../harness/backend.ts'
import { startScriptedClient } from '../harness/scripted-client.ts'
import { openFilesLimit, residentBytes } from '../harness/proc-stats.ts'
import { measureRounds, stopAll } from '../harness/rounds.ts'
import { tokenFile } from '../harness/wrk.ts'
import { startTollgate } from '../load/tollgate.ts'
import { createKeys, createTokens } from '../verify/keys-and-tokens.ts'

export const IDLE_CONNECTIONS = 5000
const OPEN_MS = 60_000
const SETTLE_MS = 3000

/** Of `perConnection` files each, leaving some for everything else. */
export function affordableConnections(perConnection: number, quick: boolean): number {
  const wanted = quick ? 500 : IDLE_CONNECTIONS
  return Math.min(wanted, Math.floor((openFilesLimit() - 1000) / perConnection))
}

export const idle: Shape = {
  name: 'idle',
  async measure({ url: upstream }, settings) {
    const keys = createKeys('RS256')
    const tokens = createTokens(keys, 1000)
    const start = (name: string) => startTollgate({ name, upstream, keys: [keys] })
    const servers = [await start('no idle connections'), await start('idle connections')] as const
    const [, holding] = servers
    const load = { tokens: tokenFile(tokens) }
    // Both warm first, so that what is added afterwards is the connections' own.
    await measureRounds(
      'idle, before',
      servers.map((server) => ({ name: server.name, server, load })),
      { ...settings, rounds: 1 },
    )
    const count = affordableConnections(1, settings.quick)
    const before = residentBytes(holding.pid)
    const client = startScriptedClient(new URL('hold-connections.js', import.meta.url), [
      holding.url,
      PATHS.small,
      tokens[0] ?? '',
      String(count),
    ])
    await client.line(OPEN_MS)
    await pause(SETTLE_MS)
    const eachKiB = (residentBytes(holding.pid) - before) / count / 1024
    const [without, meanwhile] = await measureRounds(
      'idle',
      servers.map((server) => ({ name: server.name, server, load })),
      settings,
    )
    await Promise.all([client.stop(), stopAll(servers)])
    const rows = [without, meanwhile].flatMap((row) => (row === undefined ? [] : [row]))
    return [
      {
        title: `Idle keep-alive connections: ${count}, each ${eachKiB.toFixed(1)} KiB of memory`,
        head: ['gateway', 'CPU us/request', 'requests/s', 'p99 ms', 'RSS MiB'],
        rows: rows.map((row) => [
          row.name,
          row.cpuMicroseconds,
          row.requestsPerSecond,
          row.p99Ms,
          row.residentMebibytes,
        ]),
        budgets: [
          {
            name: `CPU for a request beside ${count} idle connections, times without`,
            value: (meanwhile?.cpuMicroseconds ?? Number.NaN) / (without?.cpuMicroseconds ?? Number.NaN),
            limit: 1.15,
            kind: 'most',
          },
        ],
      },
    ]
  },
}
