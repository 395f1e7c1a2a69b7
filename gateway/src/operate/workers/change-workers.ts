// Has a config that was read serve in all workers, and puts new processes in their place: one of both at a time.
import { availableParallelism } from 'node:os'

import type { WallClock } from '../../clock.ts'
import { keepRestartOnly } from '../../gateway/change/restart-only.ts'
import type { Log } from '../../observe/log.ts'
import type { Config } from '../../options/config.ts'
import type { RunningConfig } from '../admin/admin-status.ts'
import type { Reload, Restarted } from '../reload/reload.ts'
import type { Cluster } from './cluster.ts'

export function workerCount({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}

export interface WorkersChangeParts {
  readonly first: Config
  readonly workers: Pick<Cluster, 'change' | 'roll'>
  readonly clock: WallClock
  readonly log: Pick<Log, 'info' | 'error'>
}

export interface WorkersChange {
  readonly running: RunningConfig
  /** Resolves to what needs a restart. Throws CannotStart; then nothing has changed. */
  apply(next: Config): Promise<readonly string[]>
  /** Reloads, and where that could be done gives each worker's place to a new process. Never rejects. */
  restart(reload: Reload, cause: string): Promise<Restarted>
}

export function createWorkersChange({ first, workers, clock, log }: WorkersChangeParts): WorkersChange {
  let running: RunningConfig = { config: first, loadedAtMs: clock.now() }
  /** As it was read: of some options it is what new processes will have. */
  let read = first
  let last: Promise<unknown> = Promise.resolve()

  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }

  async function change(next: Config): Promise<readonly string[]> {
    const { config, needsRestart } = keepRestartOnly(running.config, next)
    await workers.change(config)
    read = next
    running = { config, loadedAtMs: clock.now() }
    return needsRestart
  }

  async function roll() {
    const { config, needsRestart } = keepRestartOnly(running.config, read, true)
    const rolled = await workers.roll(config, workerCount(config))
    if (rolled.restarted > 0) running = { ...running, config }
    return { needsRestart, ...rolled }
  }

  return {
    get running() {
      return running
    },
    apply: (next) => inTurn(() => change(next)),
    async restart(reload, cause) {
      const reloaded = await reload(cause)
      if (!reloaded.ok) return reloaded
      const restarted = { ...reloaded, ...(await inTurn(roll)) }
      const { restarted: count, stopped: reason } = restarted
      if (reason === undefined) log.info({ why: cause, count }, 'all workers are new processes')
      else log.error({ why: cause, count, reason }, 'not all workers could be replaced: the others go on as they are')
      return restarted
    },
  }
}
