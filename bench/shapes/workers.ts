// Two workers against one: what the second core brings, with what the load takes of it said beside.
import type { Shape } from './shape.ts'
import { cpuMicroseconds } from '../harness/proc-stats.ts'
import { measureOnce, medianRow, stopAll, type Row } from '../harness/rounds.ts'
import { tokenFile } from '../harness/wrk.ts'
import { startTollgate } from '../load/tollgate.ts'
import { progress, progressDone } from '../report/progress.ts'
import { median } from '../report/table.ts'
import { createKeys, createTokens } from '../verify/keys-and-tokens.ts'

const COUNTS = [1, 2] as const

export const workers: Shape = {
  name: 'workers',
  async measure(backend, { rounds, secondsPerRound }) {
    const keys = createKeys('RS256')
    const load = { tokens: tokenFile(createTokens(keys, 1000)) }
    const servers = await Promise.all(
      COUNTS.map((count) =>
        startTollgate({
          name: `workers: ${count}`,
          upstream: backend.url,
          keys: [keys],
          core: count === 1 ? '0' : '0,1',
          config: { workers: count },
        }),
      ),
    )
    const measured = servers.map((server) => ({ server, rows: [] as Row[], loadCosts: [] as number[] }))
    for (let round = 0; round <= rounds; round += 1) {
      for (const { server, rows, loadCosts } of measured) {
        progress(`workers: ${server.name}, ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}`)
        const before = cpuMicroseconds(backend.pid)
        const row = await measureOnce({ name: server.name, server, load }, secondsPerRound)
        if (round === 0) continue
        rows.push(row)
        loadCosts.push((cpuMicroseconds(backend.pid) - before) / row.requests + row.generatorMicroseconds)
      }
    }
    progressDone()
    await stopAll(servers)
    const rows = measured.map((one) => ({
      ...medianRow(one.server.name, one.rows),
      loadMicroseconds: median(one.loadCosts),
    }))
    // What each would serve on cores of its own: the load shares one of the two with the second worker.
    const alone = rows.map((row, index) => ((COUNTS[index] ?? 1) * 1e6) / row.cpuMicroseconds)
    return [
      {
        title: 'Workers, token known, RS256',
        head: [
          'gateway',
          'CPU us/request',
          'load us/request',
          'requests/s here',
          'requests/s on own cores',
          'p99 ms',
          'RSS MiB',
        ],
        rows: rows.map((row, index) => [
          row.name,
          row.cpuMicroseconds,
          row.loadMicroseconds,
          row.requestsPerSecond,
          alone[index] ?? Number.NaN,
          row.p99Ms,
          row.residentMebibytes,
        ]),
        budgets: [
          {
            name: 'two workers against one, on cores of their own (by CPU for a request): times',
            value: (alone[1] ?? Number.NaN) / (alone[0] ?? Number.NaN),
            limit: 1.7,
            kind: 'least',
          },
        ],
        notes: [
          'Two cores only: load and upstream run on the second one, which the second worker shares. What they take of it for each request',
          'is in the column beside; “on own cores” is workers / CPU for a request: the load’s cost subtracted.',
        ],
      },
    ]
  },
}
