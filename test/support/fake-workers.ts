// A cluster whose workers are no processes: what they are told is recorded, and what they say is said by the test.
import { pino } from 'pino'

import { createCluster } from '../../gateway/src/operate/workers/cluster.ts'
import type { Answers, FromWorker, Question, ToWorker } from '../../gateway/src/operate/workers/worker-messages.ts'
import type { WorkerEvents } from '../../gateway/src/operate/workers/worker-run.ts'
import { createFakeClock, settle } from './fake-clock.ts'
import { testConfig } from './test-gateway.ts'

export interface FakeWorker {
  readonly said: ToWorker[]
  killed: boolean
  say(message: FromWorker): void
  /** Answers the last question, which has to be this one. */
  answer<Q extends Question>(question: Q, answer: Answers[Q]): void
  end(how: string): void
}

export const URL_OF_ALL = 'http://127.0.0.1:8080'

export function configWith(path: string) {
  return testConfig({
    upstreams: { up: { targets: ['http://127.0.0.1:1'] } },
    routes: [{ path, upstream: 'up', auth: 'none' }],
  })
}

export function createFakeWorkers(count: number, config = configWith('/*')) {
  const clock = createFakeClock()
  const forked: FakeWorker[] = []

  function fork({ onMessage, onExit }: WorkerEvents) {
    const worker: FakeWorker = {
      said: [],
      killed: false,
      say: onMessage,
      answer(question, answer) {
        const ask = worker.said.findLast((message) => message.type === 'ask')
        if (ask?.question !== question) throw new Error(`was asked for ${ask?.question ?? 'nothing'}`)
        onMessage({ type: 'answer', id: ask.id, answer })
      },
      end: onExit,
    }
    forked.push(worker)
    return {
      send: (message: ToWorker) => worker.said.push(message),
      drain: () => worker.said.push({ type: 'stop' }),
      kill() {
        worker.killed = true
        onExit('SIGKILL')
      },
    }
  }

  const log = pino({ level: 'silent' })
  const cluster = createCluster({ count, config, clock, schedule: clock.schedule, log, fork })

  /** As far as it comes by itself. */
  async function bringUp(worker: FakeWorker | undefined): Promise<void> {
    worker?.say({ type: 'hello' })
    worker?.say({ type: 'ready' })
    await settle()
    worker?.say({ type: 'listening', url: URL_OF_ALL })
    await settle()
  }

  async function start(): Promise<string> {
    const started = cluster.start()
    for (const worker of [...forked]) await bringUp(worker)
    return started
  }

  return { clock, cluster, config, forked, bringUp, start }
}
