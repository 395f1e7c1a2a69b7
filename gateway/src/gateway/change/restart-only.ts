// The options that a process reads at its start: a change of them needs a restart, and until then they stay as they were.
import { isDeepStrictEqual } from 'node:util'

import type { Config } from '../../options/config.ts'

/** Paths, with why in a few words. */
const RESTART_ONLY: readonly (readonly [option: string, why: string])[] = [
  ['admin.host', 'the port is held by the process'],
  ['admin.port', 'the port is held by the process'],
  ['admin.metrics', 'what is counted is registered at the start'],
  ['workers', 'processes are forked at the start'],
  ['watch', 'files are watched from the start'],
  ['shutdown', 'the end of the process is arranged at its start'],
  ['limits.headerBytes', 'the parsers of open connections have it'],
  ['limits.messageBytes', 'WebSockets are mounted at the start'],
  ['limits.requestTimeout', 'the listener watches heads by it'],
]

export interface Kept {
  /** The next config, with the running values of those options. */
  readonly config: Config
  /** Those that differ, each with why it needs a restart. */
  readonly needsRestart: readonly string[]
  readonly left: readonly LeftOption[]
}

/** An option that stays as it was. */
export interface LeftOption {
  readonly option: string
  readonly why: string
  /** Whether new workers of the same primary take it over (`tollgate reload --restart`). */
  readonly byNewWorkers: boolean
}

type Part = Readonly<Record<string, unknown>>

function valueAt(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Part | undefined)?.[key], config)
}

/** Undefined is an option that is not there. */
function withValueAt(part: Part, [key = '', ...rest]: readonly string[], value: unknown): Part {
  const next = rest.length === 0 ? value : withValueAt((part[key] ?? {}) as Part, rest, value)
  if (next !== undefined) return { ...part, [key]: next }
  return Object.fromEntries(Object.entries(part).filter(([name]) => name !== key))
}

/** What a new worker reads at its start, though its primary goes on. */
const OF_A_WORKER: ReadonlySet<string> = new Set([
  'workers',
  'limits.headerBytes',
  'limits.messageBytes',
  'limits.requestTimeout',
])

/** `restarting`: for new workers of the same primary, which take more of it than those that run. */
export function keepRestartOnly(running: Config, next: Config, restarting = false): Kept {
  const options = restarting ? RESTART_ONLY.filter(([option]) => !OF_A_WORKER.has(option)) : RESTART_ONLY
  const differing = options
    .map(([option, why]) => ({ option, why, path: option.split('.') }))
    .filter(({ path }) => !isDeepStrictEqual(valueAt(running, path), valueAt(next, path)))
  const config = differing.reduce<Part>((kept, { path }) => withValueAt(kept, path, valueAt(running, path)), {
    ...next,
  })
  return {
    // Each part is one of a checked config.
    config: config as unknown as Config,
    needsRestart: differing.map(({ option, why }) => `${option}: ${why}`),
    left: differing.map(({ option, why }) => ({ option, why, byNewWorkers: OF_A_WORKER.has(option) })),
  }
}
