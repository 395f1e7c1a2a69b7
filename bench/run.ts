// npm run bench -- NAME...: the benches by name, each with its rounds and seconds.
import { parseArgs } from 'node:util'

import type { Settings } from './harness/rounds.ts'

interface Bench {
  readonly secondsPerRound: number
  /** `minutes` is what the soak runs for. */
  run(settings: Settings, parts: readonly string[], minutes: number): Promise<unknown>
}

const benches: Readonly<Record<string, Bench>> = {
  verify: {
    secondsPerRound: 0.5,
    run: async (settings) => (await import('./verify/verify.ts')).benchVerify(settings),
  },
  peers: {
    secondsPerRound: 4,
    run: async (settings) => (await import('./peers/bench-peers.ts')).benchPeers(settings),
  },
  shapes: {
    secondsPerRound: 4,
    run: async (settings, parts) => (await import('./shapes/bench-shapes.ts')).benchShapes(settings, parts),
  },
  guard: {
    secondsPerRound: 3,
    run: async (settings) => (await import('./guard/guard.ts')).benchGuard(settings),
  },
  soak: {
    secondsPerRound: 1,
    run: async (settings, _parts, minutes) => (await import('./soak/soak.ts')).benchSoak(settings, minutes),
  },
  readme: {
    secondsPerRound: 1,
    run: async () => (await import('./report/readme.ts')).updateReadme(),
  },
}

const USAGE = `usage: npm run bench -- [${Object.keys(benches).join(' | ')}] [part...] [--rounds N] [--seconds N] [--minutes N] [--quick]\n`

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        minutes: { type: 'string' },
        quick: { type: 'boolean', default: false },
      },
    })
    const [name = 'verify', ...parts] = positionals
    const bench = benches[name]
    const { quick } = values
    const rounds = Number(values.rounds ?? (quick ? 1 : 5))
    const seconds = Number(
      values.seconds ?? (quick ? Math.min(1, bench?.secondsPerRound ?? 1) : bench?.secondsPerRound),
    )
    const minutes = Number(values.minutes ?? (quick ? 0.1 : 10))
    if (bench === undefined || !(rounds >= 1) || !(seconds > 0) || !(minutes > 0))
      throw new Error('unknown bench or no number')
    return { bench, parts, minutes, settings: { rounds, secondsPerRound: seconds, quick } }
  } catch {
    process.stderr.write(USAGE)
    process.exit(2)
  }
}

const { bench, parts, settings, minutes } = readArguments()
try {
  await bench.run(settings, parts, minutes)
  process.exit(process.exitCode ?? 0)
} catch (error) {
  process.stderr.write(`\n${(error as Error).message}\n`)
  process.exit(1)
}
