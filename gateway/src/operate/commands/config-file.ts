// Loads the config for a command, or reports what is wrong with it.
import { formatFaults, formatInLine, formatProblem } from '../../config/format-problem.ts'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../options/config.ts'
import { CannotStart } from '../../failure.ts'
import { CommandFailed } from './command-failed.ts'

export interface LoadedForCommand {
  readonly config: Config
  readonly warnings: readonly string[]
  /** Awaits what is started with this config. Why it cannot start after all is told at the place of the option that is to blame. */
  readonly blaming: <Started>(start: () => Promise<Started>) => Promise<Started>
}

/** Throws CommandFailed with all errors at once. */
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
