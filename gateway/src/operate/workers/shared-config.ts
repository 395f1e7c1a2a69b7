// The config that all workers serve by, changed in two steps: each worker prepares the next one, then all switch, or none.
import { CannotStart } from '../../failure.ts'
import type { Log } from '../../observe/log.ts'
import type { Config } from '../../options/config.ts'
import type { WorkerRun } from './worker-run.ts'

/** Beside `startTimeout`, for which keys of new issuers may be waited for: to build routes, stages and connections. */
export const PREPARE_MS = 10_000
/** It is an assignment: who does not tell in this time will not soon, and would serve by the old config. */
export const COMMIT_MS = 10_000

export interface SharedConfigParts {
  /** All that have not ended. */
  readonly runs: () => Iterable<WorkerRun>
  readonly log: Pick<Log, 'error'>
}

export interface SharedConfig {
  /** What a worker that starts now begins with. */
  readonly current: Config
  /** What starts from now on begins with this one; what is returned takes that back, unless another came since. */
  beginWith(next: Config): () => void
  /** Has a worker listen, once it has what the others have: a change may have come while it started. */
  admit(run: WorkerRun): Promise<void>
  /** Settles when each worker has switched. Throws CannotStart when one cannot; then all is as it was. One at a time. */
  change(next: Config): Promise<void>
}

const isMember = ({ state }: WorkerRun) => state === 'admitted' || state === 'listening'

/** Throws CannotStart. */
async function prepare(run: WorkerRun, config: Config): Promise<void> {
  const withinMs = PREPARE_MS + config.startTimeout
  const prepared = await run.ask({ question: 'prepared', config }, withinMs)
  const why =
    run.state === 'ended' ? 'ended while it prepared the config' : `did not prepare the config in ${withinMs / 1000} s`
  if (prepared === undefined) throw new CannotStart(`worker ${run.worker} ${why}`, undefined)
  if (!prepared.ok) throw new CannotStart(prepared.reason, prepared.option)
}

export function createSharedConfig(first: Config, { runs, log }: SharedConfigParts): SharedConfig {
  let current = first
  let underWay: Promise<void> | undefined

  /** A worker that would go on by another config than the others is ended, and comes back with theirs. */
  async function commit(run: WorkerRun, config: Config): Promise<void> {
    run.config = config
    const committed = await run.ask({ question: 'committed' }, COMMIT_MS)
    if (committed === true || run.state === 'ended') return
    log.error({ worker: run.worker }, 'a worker did not take the config that the others have, and is killed')
    run.kill()
  }

  async function changeAll(next: Config): Promise<void> {
    const members = [...runs()].filter(isMember)
    try {
      await Promise.all(members.map((run) => prepare(run, next)))
    } catch (error) {
      for (const run of members) run.send({ type: 'abandon' })
      throw error
    }
    current = next
    await Promise.all(members.map((run) => commit(run, next)))
  }

  return {
    get current() {
      return current
    },
    beginWith(next) {
      const before = current
      current = next
      return () => {
        if (current === next) current = before
      }
    },
    async admit(run) {
      for (;;) {
        while (underWay !== undefined) await underWay
        if (run.state !== 'starting') return
        if (run.config === current) break
        const next = current
        await prepare(run, next)
        await commit(run, next)
      }
      run.admit()
    },
    async change(next) {
      const changing = changeAll(next)
      underWay = changing.catch(() => undefined)
      try {
        await changing
      } finally {
        underWay = undefined
      }
    },
  }
}
