// Kinds of requests: tokens that are known, new, forged, expired, garbage; beside the floor.
import type { Shape } from './shape.ts'
import { assertRight } from '../harness/assert-right.ts'
import { measureRounds, stopAll, type Row } from '../harness/rounds.ts'
import { tokenFile } from '../harness/wrk.ts'
import { startFloor } from '../load/start-floor.ts'
import { startTollgate } from '../load/tollgate.ts'
import { createKeys, createTokens, forge } from '../verify/keys-and-tokens.ts'

const TOKENS = 1000

export const kinds: Shape = {
  name: 'kinds',
  async measure({ url: upstream }, settings) {
    const keys = createKeys('RS256')
    const good = createTokens(keys, TOKENS)
    const start = (maxTokens: number) =>
      startTollgate({ name: 'Tollgate', upstream, keys: [keys], config: { tokens: { cache: { maxTokens } } } })
    // A cache of one token forgets each before it comes again: every token is new to it.
    const servers = [await startFloor(upstream), await start(100_000), await start(1)] as const
    const [floor, gateway, forgetful] = servers
    for (const server of servers)
      await assertRight({ name: server.name, url: server.url, good: good[0] ?? '', verifies: server !== floor })
    const known = tokenFile(good)
    const refused = (name: string, tokens: readonly string[]) => ({
      name: `refused: ${name}`,
      server: gateway,
      load: { tokens: tokenFile(tokens), refused: true },
    })
    const rows = await measureRounds(
      'kinds',
      [
        { name: 'floor', server: floor, load: { tokens: known } },
        { name: 'token known', server: gateway, load: { tokens: known } },
        { name: 'token new', server: forgetful, load: { tokens: tokenFile(createTokens(keys, TOKENS)) } },
        refused('expired', createTokens(keys, TOKENS, { iat: 1000, exp: 2000 })),
        refused('forged', good.map(forge)),
        refused(
          'garbage',
          good.map((token) => token.replaceAll('.', '!')),
        ),
      ],
      settings,
    )
    await stopAll(servers)
    const cpu = (name: string) => rows.find((row) => row.name === name)?.cpuMicroseconds ?? Number.NaN
    const rejected = rows.filter(({ name }) => name.startsWith('refused'))
    const mean = rejected.reduce((total: number, row: Row) => total + row.cpuMicroseconds, 0) / rejected.length
    return [
      {
        title: 'Kinds of requests, RS256, small GET',
        head: ['request', 'CPU us/request', 'times floor', 'requests/s', 'p50 ms', 'p99 ms', 'RSS MiB'],
        rows: rows.map((row) => [
          row.name,
          row.cpuMicroseconds,
          row.cpuMicroseconds / cpu('floor'),
          row.requestsPerSecond,
          row.p50Ms,
          row.p99Ms,
          row.residentMebibytes,
        ]),
        budgets: [
          {
            name: 'token known, times the floor (CPU)',
            value: cpu('token known') / cpu('floor'),
            limit: 1.25,
            kind: 'most',
          },
          {
            name: 'refused, times known (CPU, mean of the three)',
            value: mean / cpu('token known'),
            limit: 0.7,
            kind: 'most',
          },
        ],
        bars: [
          {
            title: 'Kinds of requests',
            bars: rows.map(({ name, cpuMicroseconds }) => ({
              label: name,
              value: cpuMicroseconds,
              highlight: name !== 'floor',
            })),
          },
        ],
      },
    ]
  },
}
