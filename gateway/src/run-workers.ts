// The primary of a gateway with several workers: owns the admin listener and the signals, serves no request itself.
import cluster from 'node:cluster'
import closeWithGrace from 'close-with-grace'
import { availableParallelism } from 'node:os'

import { systemClock, systemSchedule } from './clock.ts'
import type { Config } from './config.ts'
import { DRAIN_MS, listen, packageVersion, StartFailed, urlOf } from './main.ts'
import { buildAdmin, type NotReady } from './operate/admin.ts'
import { createCluster, type Cluster, type WorkerEvents, type WorkerProcess } from './operate/cluster.ts'
import { createLog, standardOutput } from './operate/log.ts'
import { createMergedMetrics } from './operate/merged-metrics.ts'
import type { FromWorker, ToWorker } from './operate/worker-messages.ts'

export function workerCount({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}

const WORKER = new URL('worker.js', import.meta.url).pathname

function forkWorker({ onMessage, onExit }: WorkerEvents): WorkerProcess {
  const worker = cluster.fork()
  worker.on('message', (message: FromWorker) => {
    onMessage(message)
  })
  worker.on('exit', (code, signal) => {
    onExit(signal ?? `exit code ${code}`)
  })
  // A message to a worker that is just dying is lost, which its end tells anyway.
  worker.on('error', () => undefined)
  return {
    pid: worker.process.pid,
    send(message) {
      if (worker.isConnected()) worker.send(message)
    },
    drain() {
      if (!worker.isConnected()) return
      worker.send({ type: 'stop' } satisfies ToWorker)
      // Closes the port here first. A worker that closed it by itself would send back what is on its way, to nobody.
      worker.disconnect()
    },
    kill() {
      worker.process.kill('SIGKILL')
    },
  }
}

/** What any worker lacks, once; and a gateway of which no worker is there is not ready at all. */
async function readinessOf(workers: Cluster): Promise<readonly NotReady[]> {
  const answers = await workers.ask('readiness')
  if (answers.every((answer) => answer === undefined)) return [{ part: 'workers', reason: 'none is running' }]
  const lacking = answers.flatMap((answer) => answer ?? [])
  return [...new Map(lacking.map((one) => [`${one.part} ${one.reason}`, one])).values()]
}

/** Runs until a signal comes. Throws StartFailed when a worker cannot start; nothing is left running then. */
export async function runWorkers(config: Config): Promise<void> {
  const output = standardOutput()
  const log = createLog(config.log, output)
  cluster.setupPrimary({ exec: WORKER, args: [], serialization: 'advanced' })
  const count = workerCount(config)
  const workers = createCluster({
    count,
    config,
    fork: forkWorker,
    clock: systemClock,
    schedule: systemSchedule,
    log,
  })
  let closing = false
  const admin = buildAdmin({
    metrics: createMergedMetrics(workers),
    readiness: () => (closing ? [{ part: 'process', reason: 'shutting down' }] : readinessOf(workers)),
    version: packageVersion(),
  })
  try {
    const adminUrl = urlOf('http', await listen(admin, config.admin, 'admin'))
    const url = await workers.start()
    log.info({ url, adminUrl, workers: count, version: packageVersion(), node: process.version }, 'listening')
  } catch (error) {
    await Promise.all([workers.stop(0), admin.close()])
    throw error instanceof StartFailed ? error : new StartFailed((error as Error).message)
  }
  setInterval(() => {
    output.flushSync()
  }, 1000).unref()

  // A second more than the workers have, so that they can say why they did not end.
  closeWithGrace({ delay: DRAIN_MS + 2000, logger: false }, async ({ signal, err }) => {
    closing = true
    if (err !== undefined) log.fatal({ error: err }, 'the primary failed')
    else log.info({ signal }, 'shutting down')
    await workers.stop(DRAIN_MS + 1000)
    await admin.close()
    log.info('stopped')
    output.flushSync()
  })
}
