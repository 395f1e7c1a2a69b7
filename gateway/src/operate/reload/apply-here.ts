// Has a config serve in the gateway of this process, once the keys that it needs are here.
import type { Gateway } from '../../gateway/running.ts'
import type { Log } from '../../observe/log.ts'
import type { Config } from '../../options/config.ts'
import { firstKeys } from '../process/first-keys.ts'

/** Resolves to what needs a restart. Throws CannotStart; then nothing has changed. */
export async function applyHere(config: Config, gateway: Gateway, log: Log): Promise<readonly string[]> {
  const prepared = gateway.prepare(config)
  try {
    await firstKeys(prepared, config.startTimeout, log)
    prepared.commit()
  } catch (error) {
    await prepared.abandon()
    throw error
  }
  return prepared.needsRestart
}
