// Proves in more than a million cases that the fast lane reads nothing differently from node:http: `npm run fuzz:lane`.
// Numbers behind it: random requests (300000), and a seed, which a failure names.
import { register } from 'node:module'

import { compileSources } from '../compile-sources.mjs'

const WILD = 300_000

compileSources(process.cwd())
register(new URL('../load-compiled.mjs', import.meta.url))
const { fuzzLane } = await import('./fuzz-round.ts')
const { fuzzSplits } = await import('./split-round.ts')

const [wild = WILD, seed = Date.now() % 1_000_000_000] = process.argv.slice(2).map(Number)
const startMs = performance.now()
const seconds = () => `${Math.round((performance.now() - startMs) / 1000)} s`
console.log(`Node ${process.version}, seed ${seed}`)

const { cases, counts, difference } = await fuzzLane({
  ...{ step: 1, wild, seed },
  onProgress: (kind, done) => {
    console.log(`${String(done).padStart(9)} cases, ${seconds().padStart(5)}: ${kind}`)
  },
})
console.log(
  `${cases} cases: ${counts.both} taken by the lane and read in the same way by node:http, ${counts.left} left to it, ${counts.unfinished} unfinished`,
)

const splits = difference === undefined ? await fuzzSplits({ every: 1, random: Math.ceil(wild / 20), seed }) : undefined
if (splits !== undefined)
  console.log(
    `${splits.cases} ways to cut connections into reads, ${splits.served} requests: ${splits.byLane} by the lane`,
  )

const failed = difference ?? splits?.difference
if (failed !== undefined) console.log(`\nDIFFERENT, with seed ${seed}:\n${failed}\n`)
console.log(failed === undefined ? `nothing is read differently (${seconds()})` : 'FAILED')
process.exit(failed === undefined ? 0 : 1)
