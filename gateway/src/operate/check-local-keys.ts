// Loads the keys that are here already, as a start would, and throws them away: the check before the start.
import { compileIssuers } from '../authenticate/issuers.ts'
import { KeysNotUsable } from '../authenticate/key-source.ts'
import { systemClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { CommandFailed } from './commands/command-failed.ts'

/** Throws CommandFailed, naming the issuer. */
export function checkLocalKeys(config: Config): void {
  try {
    compileIssuers(config.issuers, {
      fetchJson: () => Promise.reject(new Error('nothing is fetched')),
      clock: systemClock,
      schedule: () => () => undefined,
      random: () => 0,
      events: { onKeysChanged: () => undefined, onKeysFailed: () => undefined },
    })
  } catch (error) {
    throw error instanceof KeysNotUsable ? new CommandFailed(`tollgate: ${error.message}`) : error
  }
}
