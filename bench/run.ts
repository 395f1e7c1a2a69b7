// npm run bench -- NAME...: the benches by name, each with its rounds and seconds. Without a name: verify, then load.
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
  load: {
    secondsPerRound: 4,
    run: async (settings) => (await import('./shapes/bench-shapes.ts')).benchShapes(settings, ['kinds']),
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
  reload: {
    secondsPerRound: 60,
    run: async (settings) => (await import('./reload/reload.ts')).benchReload(settings),
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
    const [name, ...parts] = positionals
    const chosen = (name === undefined ? ['verify', 'load'] : [name]).map((one) => benches[one])
    const { quick } = values
    const rounds = Number(values.rounds ?? (quick ? 1 : 5))
    const seconds = values.seconds === undefined ? undefined : Number(values.seconds)
    const minutes = Number(values.minutes ?? (quick ? 0.1 : 10))
    if (!(rounds >= 1) || !(minutes > 0) || (seconds !== undefined && !(seconds > 0))) throw new Error('no number')
    const runs = chosen.map((bench) => {
      if (bench === undefined) throw new Error('unknown bench')
      const secondsPerRound = seconds ?? (quick ? Math.min(1, bench.secondsPerRound) : bench.secondsPerRound)
      return () => bench.run({ rounds, secondsPerRound, quick }, parts, minutes)
    })
    return runs
  } catch {
    process.stderr.write(USAGE)
    process.exit(2)
  }
}

const runs = readArguments()
try {
  for (const run of runs) await run()
  process.exit(process.exitCode ?? 0)
} catch (error) {
  process.stderr.write(`\n${(error as Error).message}\n`)
  process.exit(1)
}
