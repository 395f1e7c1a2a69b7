// A worker of a gateway that has several: serves with its primary's config, answers its questions, and drains when told.
import closeWithGrace from 'close-with-grace'

import { setHeapFlags } from '../../process/heap-flags.ts'
import { closeInTime, startProxy, type RunningProxy } from '../../process/main.ts'
import type { Gateway } from '../../../gateway/running.ts'
import { createExplainRunning, type ExplainRunning } from '../../explain/explain-running.ts'
import { createLog } from '../../../observe/log.ts'
import { standardOutput } from '../../../observe/log-output.ts'
import { createPrimaryStore, type PrimaryStore } from './primary-store.ts'
import { storeKindOf } from '../../../revoke/stores/create-store.ts'
import { IDLE_SIGNALS } from '../../process/signals.ts'
import { leave } from './leave.ts'
import { createWorkerChange, type WorkerChange } from './worker-change.ts'
import type { Answers, Asked, FromWorker, Question, ToWorker } from '../worker-messages.ts'
import { CannotStart } from '../../../failure.ts'
import { keepTickShape } from '../../process/tick-shape.ts'

// Blocks with the line that fills them stay below 4096 bytes: so much enters a pipe in one piece, whoever else writes to it.
const BLOCK_BYTES = 2048

setHeapFlags()
keepTickShape()
const output = standardOutput(BLOCK_BYTES)
let proxy: RunningProxy | undefined
/** From when it could listen on. */
let gateway: Gateway | undefined
let change: WorkerChange | undefined
let mayListen = (): void => undefined
let store: PrimaryStore | undefined
let explain: ExplainRunning | undefined
let log: ReturnType<typeof createLog> | undefined

function say(message: FromWorker, then?: () => void): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => then?.())
  else then?.()
}

async function serve({ config, worker }: Extract<ToWorker, { type: 'config' }>): Promise<void> {
  log = createLog(config.log, output).child({ worker })
  endWithGrace(config.shutdown.timeout)
  try {
    proxy = await startProxy(config, {
      log,
      storeOf: (list) => (store = createPrimaryStore({ list, kind: storeKindOf(config.revocation), send: say })),
      onReady,
    })
    say({ type: 'listening', url: proxy.url })
  } catch (error) {
    const option = error instanceof CannotStart ? error.option : undefined
    say({ type: 'failed', reason: (error as Error).message, option }, () => process.exit(1))
  }
}

/** The others may have got another config while this one started: the primary brings that first, and then has it listen. */
function onReady(ready: Gateway): Promise<void> {
  if (log !== undefined) {
    change = createWorkerChange(ready, log)
    explain = createExplainRunning(ready, log)
  }
  gateway = ready
  return new Promise((resolve) => {
    mayListen = resolve
    say({ type: 'ready' })
  })
}

async function answerTo(asked: Asked, gateway: Gateway): Promise<Answers[Question] | undefined> {
  switch (asked.question) {
    case 'metrics':
      return gateway.metrics.json()
    case 'readiness':
      return gateway.readiness()
    case 'status':
      return gateway.status()
    case 'explained':
      return explain?.(asked.about)
    case 'prepared':
      return change?.prepare(asked.config)
    case 'committed':
      return change?.commit()
  }
}

async function answer(message: Extract<ToWorker, { type: 'ask' }>): Promise<void> {
  if (gateway === undefined) return
  const told = await answerTo(message, gateway)
  if (told !== undefined) say({ type: 'answer', id: message.id, answer: told })
}

// Ctrl-C and some supervisors signal the workers as well as the primary: it is the primary that tells them when to end.
const PRIMARYS = ['SIGTERM', 'SIGINT', ...IDLE_SIGNALS] as const
for (const signal of PRIMARYS) process.on(signal, () => undefined)

let drainMs = 0
let grace: ReturnType<typeof closeWithGrace> | undefined

function endWithGrace(timeoutMs: number): void {
  drainMs = timeoutMs
  grace = closeWithGrace({ delay: timeoutMs + 2000, logger: false, skip: [...PRIMARYS] }, async ({ err }) => {
    if (err !== undefined) log?.fatal({ error: err }, 'the worker failed')
    if (proxy !== undefined && log !== undefined) await closeInTime(proxy, drainMs, log)
    await output.end()
  })
}

let isEnding = false

/** What has begun is ended first; without a config there is nothing yet. Once: its primary asks, and may go meanwhile. */
function stop(): void {
  if (grace === undefined) process.exit(0)
  if (!isEnding) grace.close()
  isEnding = true
}

/** Another one has taken its place. It hears of revocations until its end, as its primary stays connected. */
async function leaveToAnother(): Promise<void> {
  if (proxy !== undefined) {
    await leave(proxy.gateway, drainMs)
    drainMs /= 2
  }
  stop()
}

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'config':
      void serve(message)
      break
    case 'ask':
      void answer(message)
      break
    case 'listen':
      mayListen()
      break
    case 'abandon':
      change?.abandon()
      break
    case 'retire':
      gateway?.retire()
      break
    case 'leave':
      void leaveToAnother()
      break
    case 'stop':
      stop()
      break
    default:
      store?.onMessage(message)
  }
})

// A worker without a primary would hold the port for nobody: it drains at once, and ends in any case.
function onPrimaryGone(): void {
  setTimeout(() => process.exit(1), drainMs + 1000)
  stop()
}
process.on('disconnect', onPrimaryGone)
if (process.connected) say({ type: 'hello' })
else onPrimaryGone()
