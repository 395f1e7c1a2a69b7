// Loads the keys that are here already, as a start would, and throws them away: the check before the start.
import { compileIssuers } from '../../authenticate/issuers.ts'
import { KeysNotUsable } from '../../authenticate/keys/key-source.ts'
import { systemClock } from '../../clock.ts'
import { compileRenewals } from '../../gateway/compile-renewals.ts'
import type { Config } from '../../options/config.ts'
import { CommandFailed } from './command-failed.ts'
import { Failure } from '../../failure.ts'
import { createBlockList } from '../../revoke/list/memory-list.ts'

const NOTHING_HAPPENS = {
  onMade: () => undefined,
  onFailed: () => undefined,
  onRetired: () => undefined,
  onReused: () => undefined,
}

/** Throws CommandFailed, naming the issuer. */
export function checkLocalKeys(config: Config): void {
  try {
    const renewals = compileRenewals(config, {
      clock: systemClock,
      blockList: createBlockList(),
      askIssuer: () => Promise.reject(new Error('nobody is asked')),
      verify: () => new Failure('keys_unavailable', 'nothing is verified'),
      events: { eventsFor: () => NOTHING_HAPPENS, onDelivered: () => undefined },
    })
    compileIssuers(config.issuers, {
      renewals: renewals.byIssuer,
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
