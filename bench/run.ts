// npm run bench -- NAME...: the benches by name, each with its rounds and seconds.
import { parseArgs } from 'node:util'

import type { Settings } from './harness/rounds.ts'

interface Bench {
  readonly secondsPerRound: number
  run(settings: Settings, names: readonly string[]): Promise<unknown>
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
    run: async (settings, names) => (await import('./shapes/bench-shapes.ts')).benchShapes(settings, names),
  },
}

const USAGE = `usage: npm run bench -- [${Object.keys(benches).join(' | ')}] [part...] [--rounds N] [--seconds N] [--quick]\n`

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { rounds: { type: 'string' }, seconds: { type: 'string' }, quick: { type: 'boolean', default: false } },
    })
    const [name = 'verify', ...parts] = positionals
    const bench = benches[name]
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
    const seconds = Number(values.seconds ?? (values.quick ? 1 : bench?.secondsPerRound))
    if (bench === undefined || !(rounds >= 1) || !(seconds > 0)) throw new Error('unknown bench or no number')
    return { bench, parts, settings: { rounds, secondsPerRound: seconds, quick: values.quick } }
  } catch {
    process.stderr.write(USAGE)
    process.exit(2)
  }
}

const { bench, parts, settings } = readArguments()
try {
  await bench.run(settings, parts)
  process.exit(process.exitCode ?? 0)
} catch (error) {
  process.stderr.write(`\n${(error as Error).message}\n`)
  process.exit(1)
}
