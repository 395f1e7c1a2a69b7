// Loads the config for a command, or reports what is wrong with it.
import { formatProblem } from '../../config/format-problem.ts'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../options/config.ts'
import { CommandFailed } from './command-failed.ts'
import { counted } from '../../config/text/counted.ts'

export interface LoadedForCommand {
  readonly config: Config
  readonly warnings: readonly string[]
}

/** Throws CommandFailed with all errors at once. */
export function loadForCommand(file: string): LoadedForCommand {
  const loaded = loadConfig(file, { env: process.env })
  if (!loaded.ok) {
    throw new CommandFailed(
      [
        ...loaded.errors.map(formatProblem),
        `${file} has ${counted(loaded.errors.length, 'error')}; nothing was started`,
      ].join('\n'),
    )
  }
  return { config: loaded.config, warnings: loaded.warnings.map(formatProblem) }
}
