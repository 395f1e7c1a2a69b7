// Changes the config of a running gateway: the next generation is made beside the one that serves, and then takes its place.
import type { TrustedIssuer } from '../../authenticate/issuers.ts'
import type { Config } from '../../options/config.ts'
import type { Log } from '../../observe/log.ts'
import type { Revocation } from '../../revoke/revocation.ts'
import type { Listeners } from '../listener/listeners.ts'
import type { InFlight } from '../serve.ts'
import type { Generations } from './generations.ts'
import { keepRestartOnly, type Kept } from './restart-only.ts'

/** A change that is prepared: nothing of it shows yet. */
export interface Change extends Pick<Kept, 'needsRestart'> {
  readonly issuers: readonly TrustedIssuer[]
  /** Fetches the keys that are not carried over. Resolves when all fetches have ended, successful or not. */
  readonly loadKeys: () => Promise<void>
  /** Opens the store of the block list that the config names, with all that is revoked. Throws CannotStart. */
  readonly openStore: () => Promise<void>
  /** Only after `openStore`. From now on the next generation serves each new request; those of the one before end in that one. */
  readonly commit: () => void
  /** Nothing came of it. */
  readonly abandon: () => Promise<void>
}

export interface ChangeParts {
  readonly generations: Generations
  readonly listeners: Pick<Listeners, 'prepare'>
  readonly inFlight: InFlight
  readonly revocation: Pick<Revocation, 'prepare'>
  readonly log: Pick<Log, 'level'>
}

/** New addresses are listened at, and nobody is served there. Throws CannotStart, as a start would; then nothing has changed. */
export async function prepareChange(next: Config, parts: ChangeParts): Promise<Change> {
  const { generations, listeners, inFlight, revocation, log } = parts
  const { config, needsRestart } = keepRestartOnly(generations.current.config, next)
  const { generation, commit, abandon } = generations.prepare(config)
  const store = await orElse(() => revocation.prepare(config.revocation), abandon)
  const addresses = await orElse(
    () => listeners.prepare(config.listen),
    () => Promise.all([store.abandon(), abandon()]),
  )
  const { authentication, forwarding } = generation
  return {
    needsRestart,
    issuers: authentication.issuers,
    loadKeys: () => authentication.loadKeys(),
    openStore: () => store.open(),
    commit() {
      store.commit()
      log.level = config.log.level
      inFlight.limit = config.limits.inFlight
      forwarding.start()
      commit()
      addresses.commit()
    },
    async abandon() {
      await Promise.all([addresses.abandon(), store.abandon(), abandon()])
    },
  }
}

/** What is prepared already is let go where the next part cannot be. */
async function orElse<Part>(prepare: () => Part | Promise<Part>, abandon: () => Promise<unknown>): Promise<Part> {
  try {
    return await prepare()
  } catch (error) {
    await abandon()
    throw error
  }
}
