// npm run bench -- [verify|load] [--rounds N] [--seconds N] [--quick]
import { parseArgs } from 'node:util'

import { benchLoad } from './load/load.ts'
import { benchVerify } from './verify/verify.ts'

const USAGE = 'usage: npm run bench -- [verify|load] [--rounds N] [--seconds N] [--quick]\n'

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { rounds: { type: 'string' }, seconds: { type: 'string' }, quick: { type: 'boolean', default: false } },
    })
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
    const seconds = values.seconds === undefined ? undefined : Number(values.seconds)
    const known = positionals.every((name) => name === 'verify' || name === 'load')
    if (!known || !(rounds >= 1) || (seconds !== undefined && !(seconds > 0)))
      throw new Error('unknown bench or no number')
    return { names: positionals as readonly string[], rounds, seconds, quick: values.quick }
  } catch {
    process.stderr.write(USAGE)
    process.exit(2)
  }
}

const { names, rounds, seconds, quick } = readArguments()
const runs = (name: 'verify' | 'load') => names.length === 0 || names.includes(name)

if (runs('verify')) await benchVerify({ rounds, secondsPerRound: seconds ?? (quick ? 0.2 : 0.5) })
if (runs('load')) await benchLoad({ rounds, secondsPerRound: seconds ?? (quick ? 1 : 4) })
process.exit(0)
