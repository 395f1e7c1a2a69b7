// Loads the config for a command, or reports what is wrong with it.
import { formatFaults, formatProblem } from '../../config/format-problem.ts'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../options/config.ts'
import { CommandFailed } from './command-failed.ts'

export interface LoadedForCommand {
  readonly config: Config
  readonly warnings: readonly string[]
}

/** Throws CommandFailed with all errors at once. */
export function loadForCommand(file: string): LoadedForCommand {
  const loaded = loadConfig(file, { env: process.env })
  if (!loaded.ok) throw new CommandFailed(formatFaults(file, loaded))
  return { config: loaded.config, warnings: loaded.warnings.map(formatProblem) }
}
