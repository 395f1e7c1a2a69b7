// Loads the config for a command, or reports its errors.
import { formatFaults, formatInLine, formatProblem } from '../../config/format-problem.ts'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../options/config.ts'
import { CannotStart } from '../../failure.ts'
import { CommandFailed } from './command-failed.ts'

export interface LoadedForCommand {
  readonly config: Config
  readonly warnings: readonly string[]
  /** Runs and awaits a start with this config. A CannotStart error is reported at the line of the option that caused it. */
  readonly blaming: <Started>(start: () => Promise<Started>) => Promise<Started>
}

/** Loads a config file. Throws CommandFailed with all errors together. */
export function loadForCommand(file: string): LoadedForCommand {
  const loaded = loadConfig(file, { env: process.env })
  if (!loaded.ok) throw new CommandFailed(formatFaults(file, loaded))
  const { config, warnings, locate } = loaded
  return {
    config,
    warnings: warnings.map(formatProblem),
    async blaming(start) {
      try {
        return await start()
      } catch (error) {
        if (!(error instanceof CannotStart) || error.option === undefined) throw error
        const { option: path, message } = error
        throw new CommandFailed(formatInLine(locate({ path, message, standsAlone: true })))
      }
    },
  }
}
