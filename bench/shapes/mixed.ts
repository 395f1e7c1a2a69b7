// Known tokens beside new ES256 ones: how much longer do those wait who need nothing but a look-up?
import type { Shape } from './shape.ts'
import { stopAll } from '../harness/rounds.ts'
import { runLoad, tokenFile, type LoadResult } from '../harness/wrk.ts'
import { startTollgate } from '../load/tollgate.ts'
import { progress, progressDone } from '../report/progress.ts'
import { median } from '../report/table.ts'
import { createKeys, createTokens } from '../verify/keys-and-tokens.ts'

// Two generators, as one could not tell the kinds apart. Connections are served in turn, so their share is that of the requests.
const KNOWN_CONNECTIONS = 61
const NEW_CONNECTIONS = 3
// More than three connections can use: the gateway alone takes longer for one than 300 us.
const NEW_TOKENS_PER_SECOND = 3000

export const mixed: Shape = {
  name: 'mixed',
  async measure({ url: upstream }, { rounds, secondsPerRound }) {
    const keys = createKeys('ES256')
    const gateway = await startTollgate({ name: 'Tollgate', upstream, keys: [keys] })
    const known = tokenFile(createTokens(keys, 1000))
    const load = { url: gateway.url, paths: ['/api/things'], seconds: secondsPerRound, refused: false }
    const hits = () => runLoad({ ...load, tokens: known, connections: KNOWN_CONNECTIONS })
    const pure: LoadResult[] = []
    const beside: LoadResult[] = []
    const shares: number[] = []
    for (let round = 0; round <= rounds; round += 1) {
      progress(`mixed: ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}`)
      const tokens = createTokens(keys, Math.ceil(NEW_TOKENS_PER_SECOND * Math.max(1, secondsPerRound)))
      const file = tokenFile(tokens)
      const alone = await hits()
      const [mixedHits, news] = await Promise.all([
        hits(),
        runLoad({ ...load, tokens: file, connections: NEW_CONNECTIONS }),
      ])
      if (news.requests > tokens.length) throw new Error('the new tokens ran out: some were not new')
      if (round === 0) continue
      pure.push(alone)
      beside.push(mixedHits)
      shares.push(news.requests / (news.requests + mixedHits.requests))
    }
    progressDone()
    await stopAll([gateway])
    const row = (name: string, results: readonly LoadResult[], share: number) => [
      name,
      share * 100,
      median(results.map(({ requestsPerSecond }) => requestsPerSecond)),
      median(results.map(({ p50Ms }) => p50Ms)),
      median(results.map(({ p99Ms }) => p99Ms)),
    ]
    return [
      {
        title: 'Known tokens beside new ES256 tokens: the known ones’ latency',
        head: ['load', 'new %', 'known requests/s', 'p50 ms', 'p99 ms'],
        rows: [row('known tokens only', pure, 0), row('known and new', beside, median(shares))],
        budgets: [
          {
            name: 'p99 of known tokens beside new ones, times p99 without',
            value: median(beside.map(({ p99Ms }) => p99Ms)) / median(pure.map(({ p99Ms }) => p99Ms)),
            limit: 2,
            kind: 'most',
          },
        ],
      },
    ]
  },
}
