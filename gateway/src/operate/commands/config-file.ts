// Loads the config for a command, or reports what is wrong with it.
import { formatFaults, formatInLine, formatProblem } from '../../config/format-problem.ts'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../options/config.ts'
import type { CannotStart } from '../../failure.ts'
import { CommandFailed } from './command-failed.ts'

export interface LoadedForCommand {
  readonly config: Config
  readonly warnings: readonly string[]
  /** Why it cannot start after all, at the place of the option that is to blame. */
  readonly blame: (error: CannotStart) => CannotStart | CommandFailed
}

/** Throws CommandFailed with all errors at once. */
export function loadForCommand(file: string): LoadedForCommand {
  const loaded = loadConfig(file, { env: process.env })
  if (!loaded.ok) throw new CommandFailed(formatFaults(file, loaded))
  const { config, warnings, locate } = loaded
  return {
    config,
    warnings: warnings.map(formatProblem),
    blame(error) {
      const { option: path, message } = error
      return path === undefined ? error : new CommandFailed(formatInLine(locate({ path, message, standsAlone: true })))
    },
  }
}
