// One worker process from its fork to its end: what it was given, how far it has come, and what it is asked.
import type { Clock, Schedule } from '../../clock.ts'
import { CannotStart } from '../../failure.ts'
import type { Config } from '../../options/config.ts'
import { createQuestions, type Questions } from './questions.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'

export interface WorkerProcess {
  readonly send: (message: ToWorker) => void
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

export type Fork = (events: WorkerEvents) => WorkerProcess

export interface WorkerRun extends Pick<Questions, 'ask'>, WorkerProcess {
  readonly worker: number
  readonly startedAtMs: number
  /** What it serves by, or will. Undefined before it was given one. */
  config: Config | undefined
  /** `admitted`: it may listen, and has the gateway that will serve. */
  readonly state: 'starting' | 'admitted' | 'listening' | 'leaving' | 'ended'
  /** Has it listen. */
  admit(): void
  /** Has it end when its clients are gone; the others get those that come. */
  leave(): void
  /** Settles with its URL; rejects with CannotStart when it ends before. */
  readonly listened: Promise<string>
  readonly ended: Promise<void>
}

/** How a worker ended: the exit code or the signal, and why where it could say so. */
export interface WorkerEnd {
  readonly how: string
  readonly reason: string | undefined
  /** It had served. */
  readonly hasListened: boolean
}

export interface RunParts {
  readonly worker: number
  readonly fork: Fork
  readonly clock: Clock
  readonly schedule: Schedule
  /** What to begin with; undefined: it is to end at once. */
  readonly config: () => Config | undefined
  /** It could listen. */
  readonly onReady: (run: WorkerRun) => void
  readonly onListening: (run: WorkerRun, url: string) => void
  readonly onEnd: (run: WorkerRun, end: WorkerEnd) => void
}

/** What there is to wait for. */
function createLife() {
  let onListening = (_url: string): void => undefined
  let onNeverListening = (_why: CannotStart): void => undefined
  let onEnded = (): void => undefined
  const listened = new Promise<string>((resolve, reject) => {
    onListening = resolve
    onNeverListening = reject
  })
  // Often nobody waits for it.
  listened.catch(() => undefined)
  const ended = new Promise<void>((resolve) => (onEnded = resolve))
  function onEnd(why: CannotStart): void {
    onNeverListening(why)
    onEnded()
  }
  return { listened, ended, onListening, onEnd }
}

export function startRun({ worker, fork, clock, schedule, config, ...events }: RunParts): WorkerRun {
  const life = createLife()
  let state: WorkerRun['state'] = 'starting'
  let failed: Extract<FromWorker, { type: 'failed' }> | undefined

  function onMessage(message: FromWorker): void {
    switch (message.type) {
      case 'hello':
        run.config = config()
        run.send(run.config === undefined ? { type: 'stop' } : { type: 'config', config: run.config, worker })
        break
      case 'ready':
        events.onReady(run)
        break
      case 'listening':
        if (state === 'admitted') state = 'listening'
        life.onListening(message.url)
        events.onListening(run, message.url)
        break
      case 'failed':
        failed = message
        break
      case 'answer':
        questions.onAnswer(message.id, message.answer)
        break
      default: // Of the block list: whoever forks hears it as well.
    }
  }

  const child = fork({
    onMessage,
    onExit(how) {
      const hasListened = state === 'listening'
      state = 'ended'
      questions.end()
      events.onEnd(run, { how, reason: failed?.reason, hasListened })
      life.onEnd(new CannotStart(failed?.reason ?? `a worker ended with ${how}`, failed?.option))
    },
  })
  const questions = createQuestions(child.send, schedule)
  const enter = (next: typeof state, type: 'listen' | 'leave') => () => {
    state = next
    child.send({ type })
  }
  const run: WorkerRun = {
    ...child,
    worker,
    startedAtMs: clock.monotonic(),
    config: undefined,
    get state() {
      return state
    },
    ask: (about, withinMs) => questions.ask(about, withinMs),
    admit: enter('admitted', 'listen'),
    leave: enter('leaving', 'leave'),
    listened: life.listened,
    ended: life.ended,
  }
  return run
}
