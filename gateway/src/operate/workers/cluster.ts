// Runs several workers that serve one port: starts them, restarts those that die, asks them, and drains them together.
import type { Clock, Schedule } from '../../clock.ts'
import { CannotStart } from '../../failure.ts'
import type { Log } from '../../observe/log.ts'
import type { Config } from '../../options/config.ts'
import type { Explained } from '../explain/explain-running.ts'
import type { ExplainQuestion } from '../explain/explained-request.ts'
import { EXPLAIN_MS } from './questions.ts'
import { createSharedConfig } from './shared-config.ts'
import { LEAVE_MS, READY_MS, roll, type Rolled, type Slot } from './roll.ts'
import { startRun, type Fork, type WorkerEnd, type WorkerRun } from './worker-run.ts'
import type { Answers } from './worker-messages.ts'

export interface ClusterParts {
  readonly count: number
  readonly config: Config
  readonly fork: Fork
  readonly clock: Clock
  readonly schedule: Schedule
  readonly log: Log
}

export interface Cluster {
  /** Settles with the URL when all workers listen; rejects with the reason when one cannot at the first start. */
  start(): Promise<string>
  /** How many there should be. */
  readonly count: number
  /** How many listen now. */
  readonly listening: number
  /** How often one had to be started again. */
  readonly restarts: number
  /** By worker, from 1; undefined for one that is not there or does not answer in time. */
  ask<Q extends 'metrics' | 'readiness' | 'status'>(question: Q): Promise<readonly (Answers[Q] | undefined)[]>
  /** What would happen to a request, as one worker tells, the next where one does not; undefined when none does. */
  explain(about: ExplainQuestion): Promise<Explained | undefined>
  /** Settles when all workers serve by it, and who comes later will. Throws CannotStart; then nothing has changed. One at a time. */
  change(config: Config): Promise<void>
  /**
   * New processes in place of all, so many, which begin with this config. Never rejects. One at a time. What listens already
   * goes on by the config that it has, which differs in nothing but what a process reads at its start.
   */
  roll(config: Config, count: number): Promise<Rolled>
  /** Each worker's responses end their connections from now on, also those of workers that come later. */
  retire(): void
  /** Each worker ends what it has begun; who does not in time is killed. */
  stop(timeoutMs: number): Promise<void>
}

// A worker that ran for a minute died of something rare: it comes back at once. One that dies at each start is given time.
export const STABLE_MS = 60_000
export const FIRST_DELAY_MS = 100
export const MOST_DELAY_MS = 30_000

const isListening = (run: WorkerRun | undefined): run is WorkerRun => run?.state === 'listening'

export function createCluster({ count, config, fork, clock, schedule, log }: ClusterParts): Cluster {
  const createSlot = (worker: number): Slot => ({ worker, run: undefined, restartDelayMs: FIRST_DELAY_MS })
  const slots = Array.from({ length: count }, (_, index) => createSlot(index + 1))
  /** All that have not ended. */
  const runs = new Set<WorkerRun>()
  const shared = createSharedConfig(config, { runs: () => runs, log })
  let phase: 'starting' | 'serving' | 'stopping' = 'starting'
  let retired = false
  let restarts = 0

  function startFor(slot: Slot): WorkerRun {
    const run = startRun({
      ...{ worker: slot.worker, fork, clock, schedule },
      config: () => (phase === 'stopping' ? undefined : shared.current),
      onReady: (ready) => void admit(ready),
      onListening(listening) {
        if (retired) listening.send({ type: 'retire' })
      },
      onEnd(ended, end) {
        runs.delete(ended)
        if (slot.run !== ended) return
        slot.run = undefined
        // One that never listened ends the start.
        if (phase === 'serving' || (phase === 'starting' && end.hasListened)) refillLater(slot, ended, end)
      },
    })
    runs.add(run)
    return run
  }

  function fill(slot: Slot): WorkerRun {
    slot.run = startFor(slot)
    return slot.run
  }

  async function admit(run: WorkerRun): Promise<void> {
    try {
      await shared.admit(run)
    } catch (error) {
      const { message: reason } = error as Error
      log.error({ worker: run.worker, reason }, 'a worker cannot serve by the config that the others have')
      run.kill()
    }
  }

  function refillLater(slot: Slot, { startedAtMs }: WorkerRun, { how, reason }: WorkerEnd): void {
    restarts += 1
    if (clock.monotonic() - startedAtMs >= STABLE_MS) slot.restartDelayMs = FIRST_DELAY_MS
    const delayMs = slot.restartDelayMs
    slot.restartDelayMs = Math.min(2 * delayMs, MOST_DELAY_MS)
    log.error(
      { worker: slot.worker, ended: how, ...(reason === undefined ? {} : { reason }), restartInMs: delayMs },
      'a worker ended and is started again',
    )
    schedule(delayMs, () => {
      if (phase !== 'stopping' && slot.run === undefined && slots.includes(slot)) fill(slot)
    })
  }

  return {
    async start() {
      const [url = ''] = await Promise.all(slots.map((slot) => fill(slot).listened))
      if (phase === 'starting') phase = 'serving'
      return url
    },
    get count() {
      return slots.length
    },
    get listening() {
      return slots.filter(({ run }) => isListening(run)).length
    },
    get restarts() {
      return restarts
    },
    ask: (question) =>
      Promise.all(slots.map(({ run }) => (isListening(run) ? run.ask({ question }) : Promise.resolve(undefined)))),
    async explain(about) {
      for (const { run } of slots) {
        const explained = isListening(run) ? await run.ask({ question: 'explained', about }, EXPLAIN_MS) : undefined
        if (explained !== undefined) return explained
      }
      return undefined
    },
    async change(next) {
      if (phase === 'stopping') throw new CannotStart('the gateway is shutting down', undefined)
      await shared.change(next)
    },
    async roll(next, wanted) {
      const takeBack = shared.beginWith(next)
      const rolled = await roll(slots, wanted, {
        ...{ start: startFor, createSlot, schedule },
        mayNot: () => (phase === 'serving' ? undefined : 'the gateway is starting or shutting down'),
        readyMs: READY_MS + next.startTimeout,
        leaveMs: LEAVE_MS + next.shutdown.timeout,
        onReplaced({ worker }) {
          log.info({ worker }, 'a new worker listens in place of the one before')
        },
      })
      if (rolled.restarted === 0) takeBack()
      return rolled
    },
    retire() {
      retired = true
      for (const run of runs) if (isListening(run)) run.send({ type: 'retire' })
    },
    async stop(timeoutMs) {
      phase = 'stopping'
      const cancel = schedule(timeoutMs, () => {
        for (const run of runs) {
          log.error({ worker: run.worker }, 'a worker did not end in time and is killed')
          run.kill()
        }
      })
      const all = [...runs]
      for (const run of all) run.drain()
      await Promise.all(all.map(({ ended }) => ended))
      cancel()
    },
  }
}
