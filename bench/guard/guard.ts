// npm run bench:guard: Tollgate against the floor, in turn, for a short while; fails when it has become dearer than it may be.
import { assertRight } from '../harness/assert-right.ts'
import { startBackend } from '../harness/backend.ts'
import { requireTools } from '../harness/installed.ts'
import { measureOnce, stopAll, type Settings } from '../harness/rounds.ts'
import { tokenFile } from '../harness/wrk.ts'
import { startFloor } from '../load/start-floor.ts'
import { startTollgate } from '../load/tollgate.ts'
import { progress, progressDone } from '../report/progress.ts'
import { median } from '../report/table.ts'
import { createKeys, createTokens } from '../verify/keys-and-tokens.ts'

export const MOST_TIMES_FLOOR = 1.35
// A process that is still being compiled says nothing about either.
const WARM_UP_ROUNDS = 3

/** The median of the rounds' ratios: the two halves of a round are seconds apart, so a slow minute weighs on both. */
export async function benchGuard({ rounds, secondsPerRound }: Settings): Promise<void> {
  requireTools()
  const keys = createKeys('RS256')
  const good = createTokens(keys, 1000)
  const backend = await startBackend()
  const floor = await startFloor(backend.url)
  const ours = await startTollgate({ name: 'Tollgate', upstream: backend.url, keys: [keys] })
  const load = { tokens: tokenFile(good) }
  for (const server of [floor, ours])
    await assertRight({ name: server.name, url: server.url, good: good[0] ?? '', verifies: server === ours })
  const cpuOf = async (server: typeof floor, seconds: number) =>
    (await measureOnce({ name: server.name, server, load }, seconds)).cpuMicroseconds
  const ratios: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    progress(`guard: ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}`)
    const seconds = round === 0 ? WARM_UP_ROUNDS * secondsPerRound : secondsPerRound
    const cpuOfFloor = await cpuOf(floor, seconds)
    const cpuOfOurs = await cpuOf(ours, seconds)
    if (round > 0) ratios.push(cpuOfOurs / cpuOfFloor)
  }
  progressDone()
  await stopAll([backend, floor, ours])
  const ratio = median(ratios)
  const each = ratios.map((one) => one.toFixed(2)).join(', ')
  const text = `CPU for a request: Tollgate is ${ratio.toFixed(2)} times the floor, at most ${MOST_TIMES_FLOOR} (rounds: ${each})`
  if (!(ratio <= MOST_TIMES_FLOOR)) throw new Error(`FAILED ${text}`)
  process.stdout.write(`ok ${text}\n`)
}
