// Runs several workers that serve one port: starts them, restarts those that die, asks them, and drains them together.
import type { Clock, Schedule } from '../../clock.ts'
import type { Config } from '../../options/config.ts'
import type { Log } from '../../observe/log.ts'
import type { Explained } from '../explain/explain-running.ts'
import type { ExplainQuestion } from '../explain/explained-request.ts'
import type { Answers, Asked, FromWorker, Question, ToWorker } from './worker-messages.ts'
import { CannotStart } from '../../failure.ts'

export interface WorkerProcess {
  send(message: ToWorker): void
  /** Hands it no more connections, and tells it to end what it has begun. */
  drain(): void
  /** At once and without asking. */
  kill(): void
}

export interface WorkerEvents {
  /** The first message at the latest comes when `fork` has returned. */
  readonly onMessage: (message: FromWorker) => void
  /** `how`: the exit code or the signal. */
  readonly onExit: (how: string) => void
}

export interface ClusterParts {
  readonly count: number
  readonly config: Config
  readonly fork: (events: WorkerEvents) => WorkerProcess
  readonly clock: Clock
  readonly schedule: Schedule
  readonly log: Log
}

export interface Cluster {
  /** Settles with the URL when all workers listen; rejects with the reason when one cannot at the first start. */
  start(): Promise<string>
  /** How many listen now. */
  readonly listening: number
  /** How often one had to be started again. */
  readonly restarts: number
  /** By worker, from 1; undefined for one that is not there or does not answer in time. */
  ask<Q extends Exclude<Question, 'explained'>>(question: Q): Promise<readonly (Answers[Q] | undefined)[]>
  /** What would happen to a request, as one worker tells, the next where one does not; undefined when none does. */
  explain(about: ExplainQuestion): Promise<Explained | undefined>
  /** Each worker's responses end their connections from now on, also those of workers that come later. */
  retire(): void
  /** Each worker ends what it has begun; who does not in time is killed. */
  stop(timeoutMs: number): Promise<void>
}

interface Slot {
  readonly worker: number
  process: WorkerProcess | undefined
  listening: boolean
  startedAt: number
  restartDelayMs: number
}

// A worker that ran for a minute died of something rare: it comes back at once. One that dies at each start is given time.
export const STABLE_MS = 60_000
export const FIRST_DELAY_MS = 100
export const MOST_DELAY_MS = 30_000
// A worker that does not answer in this time is busy beyond use, or about to be.
export const ANSWER_MS = 2000
/** The same of one that may have to fetch keys first, which takes keys.timeout. */
export const EXPLAIN_MS = 10_000

/** Asks workers, and assigns their answers to the questions by id. */
function createQuestions(schedule: Schedule) {
  const waiting = new Map<number, (answer: Answers[Question]) => void>()
  let asked = 0
  return {
    /** Undefined for a worker that is not there or does not answer in time. */
    ask<Q extends Question>(
      worker: WorkerProcess | undefined,
      about: Asked & { readonly question: Q },
      withinMs = ANSWER_MS,
    ): Promise<Answers[Q] | undefined> {
      if (worker === undefined) return Promise.resolve(undefined)
      asked += 1
      const id = asked
      return new Promise((resolve) => {
        const settle = (answer: Answers[Q] | undefined) => {
          cancel()
          waiting.delete(id)
          resolve(answer)
        }
        const cancel = schedule(withinMs, () => {
          settle(undefined)
        })
        // The question decides the type of the answer.
        waiting.set(id, settle as (answer: Answers[Question]) => void)
        worker.send({ type: 'ask', id, ...about })
      })
    },
    onAnswer(id: number, answer: Answers[Question]): void {
      waiting.get(id)?.(answer)
    },
  }
}

export function createCluster({ count, config, fork, clock, schedule, log }: ClusterParts): Cluster {
  const slots = Array.from({ length: count }, (_, index): Slot => ({
    worker: index + 1,
    process: undefined,
    listening: false,
    startedAt: 0,
    restartDelayMs: FIRST_DELAY_MS,
  }))
  const questions = createQuestions(schedule)
  let firstStart = { listening: (_url: string): void => undefined, failed: (_why: CannotStart): void => undefined }
  let phase: 'starting' | 'serving' | 'stopping' = 'starting'
  let retired = false
  let restarts = 0
  let allGone = () => {
    // Set while somebody waits for it.
  }

  function startWorker(slot: Slot): void {
    slot.startedAt = clock.monotonic()
    let reason = ''
    let option: CannotStart['option']
    slot.process = fork({
      onMessage(message) {
        switch (message.type) {
          case 'hello':
            slot.process?.send(
              phase === 'stopping' ? { type: 'stop' } : { type: 'config', config, worker: slot.worker },
            )
            break
          case 'listening':
            slot.listening = true
            if (retired) slot.process?.send({ type: 'retire' })
            if (phase === 'starting' && slots.every(({ listening }) => listening)) {
              phase = 'serving'
              firstStart.listening(message.url)
            }
            break
          case 'failed':
            reason = message.reason
            option = message.option
            break
          case 'answer':
            questions.onAnswer(message.id, message.answer)
            break
          // Of the block list: whoever forks hears it as well.
          case 'list':
          case 'write':
            break
        }
      },
      onExit(how) {
        slot.process = undefined
        slot.listening = false
        if (phase === 'serving') restartLater(slot, how, reason)
        if (phase === 'starting')
          firstStart.failed(new CannotStart(reason === '' ? `a worker ended with ${how}` : reason, option))
        if (slots.every((other) => other.process === undefined)) allGone()
      },
    })
  }

  function restartLater(slot: Slot, how: string, reason: string): void {
    restarts += 1
    if (clock.monotonic() - slot.startedAt >= STABLE_MS) slot.restartDelayMs = FIRST_DELAY_MS
    const delayMs = slot.restartDelayMs
    slot.restartDelayMs = Math.min(2 * delayMs, MOST_DELAY_MS)
    log.error(
      { worker: slot.worker, ended: how, ...(reason === '' ? {} : { reason }), restartInMs: delayMs },
      'a worker ended and is started again',
    )
    schedule(delayMs, () => {
      if (phase === 'serving') startWorker(slot)
    })
  }

  return {
    start() {
      return new Promise((resolve, reject) => {
        firstStart = {
          listening: resolve,
          failed: reject,
        }
        for (const slot of slots) startWorker(slot)
      })
    },
    get listening() {
      return slots.filter(({ listening }) => listening).length
    },
    get restarts() {
      return restarts
    },
    ask: (question) =>
      Promise.all(slots.map(({ process, listening }) => questions.ask(listening ? process : undefined, { question }))),
    async explain(about) {
      for (const { process, listening } of slots) {
        const explained = await questions.ask(
          listening ? process : undefined,
          { question: 'explained', about },
          EXPLAIN_MS,
        )
        if (explained !== undefined) return explained
      }
      return undefined
    },
    retire() {
      retired = true
      for (const { process, listening } of slots) if (listening) process?.send({ type: 'retire' })
    },
    async stop(timeoutMs) {
      phase = 'stopping'
      if (slots.every((slot) => slot.process === undefined)) return
      await new Promise<void>((resolve) => {
        const cancel = schedule(timeoutMs, () => {
          for (const { process, worker } of slots) {
            if (process === undefined) continue
            log.error({ worker }, 'a worker did not end in time and is killed')
            process.kill()
          }
        })
        allGone = () => {
          cancel()
          resolve()
        }
        for (const { process } of slots) process?.drain()
      })
    },
  }
}
