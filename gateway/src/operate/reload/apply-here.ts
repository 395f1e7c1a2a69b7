// Has a config serve in the gateway of this process, once the keys that it needs are here.
import type { Change } from '../../gateway/change/change.ts'
import { clearDeadSockets } from '../../gateway/listener/socket-file.ts'
import type { Gateway } from '../../gateway/running.ts'
import type { Log } from '../../observe/log.ts'
import type { Config } from '../../options/config.ts'
import { firstKeys } from '../process/first-keys.ts'

/** Throws CannotStart; then nothing has changed. */
export async function prepareHere(
  config: Config,
  gateway: Pick<Gateway, 'prepare'>,
  log: Pick<Log, 'warn'>,
): Promise<Change> {
  const prepared = await gateway.prepare(config)
  try {
    await firstKeys(prepared, config.startTimeout, log)
    await prepared.openStore()
    return prepared
  } catch (error) {
    await prepared.abandon()
    throw error
  }
}

/** Resolves to what needs a restart. Throws CannotStart; then nothing has changed. */
export async function applyHere(config: Config, gateway: Gateway, log: Log): Promise<readonly string[]> {
  await clearDeadSockets(config.listen)
  const prepared = await prepareHere(config, gateway, log)
  try {
    prepared.commit()
  } catch (error) {
    await prepared.abandon()
    throw error
  }
  return prepared.needsRestart
}
