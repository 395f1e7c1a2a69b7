// A worker's part of a reload: it prepares the next generation, and switches to it or gives it up when its primary says so.
import { CannotStart } from '../../../failure.ts'
import type { Change } from '../../../gateway/change/change.ts'
import type { Gateway } from '../../../gateway/running.ts'
import type { Log } from '../../../observe/log.ts'
import type { Config } from '../../../options/config.ts'
import { prepareHere } from '../../reload/apply-here.ts'
import type { Prepared } from '../worker-messages.ts'

export interface WorkerChange {
  prepare(config: Config): Promise<Prepared>
  /** False when there is nothing that was prepared, or it cannot be used. */
  commit(): boolean
  abandon(): void
}

export function createWorkerChange(gateway: Pick<Gateway, 'prepare'>, log: Pick<Log, 'warn' | 'error'>): WorkerChange {
  /** The number of the last one that was begun, and what came of it. */
  let begun = 0
  let prepared: Change | undefined

  function abandon(): void {
    begun += 1
    void prepared?.abandon()
    prepared = undefined
  }

  return {
    async prepare(config) {
      abandon()
      const number = begun
      try {
        const change = await prepareHere(config, gateway, log)
        // It was given up while keys were fetched.
        if (number === begun) prepared = change
        else await change.abandon()
        return { ok: true }
      } catch (error) {
        if (error instanceof CannotStart) {
          const { message: reason, option } = error
          return { ok: false, reason, ...(option === undefined ? {} : { option }) }
        }
        log.error({ error }, 'the config could not be prepared')
        return { ok: false, reason: 'The gateway failed' }
      }
    },
    commit() {
      const change = prepared
      prepared = undefined
      try {
        change?.commit()
        return change !== undefined
      } catch (error) {
        log.error({ error }, 'what was prepared cannot serve')
        return false
      }
    },
    abandon,
  }
}
