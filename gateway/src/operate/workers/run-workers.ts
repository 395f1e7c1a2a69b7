// The primary of a gateway with several workers: owns the admin listener and the signals, serves no request itself.
import cluster from 'node:cluster'
import closeWithGrace from 'close-with-grace'
import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

import { boundTokenCache } from '../../gateway/bound-token-cache.ts'
import { systemClock, systemSchedule } from '../../clock.ts'
import type { Config } from '../../options/config.ts'
import { adminPartsOf, listen, shuttingDown, urlOf } from '../process/main.ts'
import { buildAdmin } from '../admin/admin.ts'
import { mergeReadiness, notReadyAtAll, watchReadiness, type Readiness } from '../../observe/readiness/readiness.ts'
import { createCluster, type Cluster, type WorkerEvents, type WorkerProcess } from './cluster.ts'
import { watchHandOver } from './handed-over.ts'
import { createLog } from '../../observe/log.ts'
import { standardOutput } from '../../observe/log-output.ts'
import { createMergedMetrics } from './merged-metrics.ts'
import { packageVersion } from '../process/package-version.ts'
import { createRevocationEvents, leastTolerance, revocationFindings } from '../../observe/events/revocation-events.ts'
import { IDLE_SIGNALS, tellIdleSignals } from '../process/signals.ts'
import { createServiceManager } from '../supervisor/service-manager.ts'
import { spreadRevocations, type RevocationSpread } from './spread-revocations.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'
import { renewalFactsOf } from '../../revoke/entries-for.ts'
import { createRevocation } from '../../revoke/revocation.ts'

export function workerCount({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}

const WORKER = new URL('./worker.js', import.meta.url).pathname

function createFork(revocations: RevocationSpread): (events: WorkerEvents) => WorkerProcess {
  return ({ onMessage, onExit }) => {
    const worker = cluster.fork()
    const send = (message: ToWorker) =>
      new Promise<void>((resolve) => {
        // A message to a worker that is just dying is lost, which its end tells anyway.
        if (worker.isConnected()) worker.send(message, undefined, () => resolve())
        else resolve()
      })
    const closeHandedOver = watchHandOver(worker.process)
    const listener = { send }
    worker.on('message', (message: FromWorker) => {
      onMessage(message)
      revocations.onMessage(listener, message)
    })
    worker.on('exit', (code, signal) => {
      revocations.remove(listener)
      closeHandedOver()
      onExit(signal ?? `exit code ${code}`)
    })
    worker.on('error', () => undefined)
    return {
      send: (message) => void send(message),
      drain() {
        void send({ type: 'stop' })
        // Closes the port here first. A worker that closed it by itself would send back what is on its way, to nobody.
        if (worker.isConnected()) worker.disconnect()
      },
      kill() {
        worker.process.kill('SIGKILL')
      },
    }
  }
}

/** What any worker lacks, and the store that is here; a gateway of which no worker is there is not ready at all. */
async function readinessOf(workers: Cluster, own: Readiness, startedAtMs: number): Promise<Readiness> {
  const answers = (await workers.ask('readiness')).filter((answer) => answer !== undefined)
  return mergeReadiness(
    answers.length === 0 ? [notReadyAtAll('workers', 'none is running', startedAtMs)] : [own, ...answers],
  )
}

/** Runs until a signal comes. Throws CannotStart when a worker cannot start; nothing is left running then. */
export async function runWorkers(config: Config): Promise<void> {
  const output = standardOutput()
  const log = createLog(config.log, output)
  cluster.setupPrimary({ exec: WORKER, args: [], serialization: 'advanced' })
  tellIdleSignals(log, false)
  const count = workerCount(config)
  const revocation = createRevocation({
    options: config.revocation,
    clock: systemClock,
    schedule: systemSchedule,
    events: createRevocationEvents(log, leastTolerance(config.issuers)),
  })
  const workers = createCluster({
    count,
    // Each has a heap as large as this one, so that what is told here once is right for all of them.
    config: boundTokenCache(config, undefined, log),
    fork: createFork(spreadRevocations(revocation, systemSchedule)),
    clock: systemClock,
    schedule: systemSchedule,
    log,
  })
  const startedAtMs = systemClock.now()
  let closingSinceMs: number | undefined
  const isEnding = () => closingSinceMs !== undefined
  const store = watchReadiness(() => revocationFindings(revocation), systemClock, systemSchedule)
  store.start()
  const admin = buildAdmin({
    metrics: createMergedMetrics(workers),
    readiness: () =>
      closingSinceMs === undefined
        ? readinessOf(workers, store.readiness(), startedAtMs)
        : shuttingDown(closingSinceMs),
    revocation,
    renewalOf: renewalFactsOf(config.issuers),
    // Tokens are met by workers.
    issuerTimeSec: () => undefined,
    explain: (question) => workers.explain(question),
    statusOfWorkers: () => workers.ask('status'),
    reload: undefined,
    ...adminPartsOf(() => ({ config, loadedAtMs: startedAtMs }), log),
  })
  const { delay, timeout } = config.shutdown
  const manager = createServiceManager(process.env, log)
  // From before the first worker: a signal may come when some of them serve, and others do not yet.
  const grace = closeWithGrace(
    // A second more than the workers have, so that they can say why they did not end.
    { delay: delay + timeout + 3000, logger: false, skip: [...IDLE_SIGNALS] },
    async ({ signal, err }) => {
      closingSinceMs = systemClock.now()
      manager.stopping()
      workers.retire()
      if (err !== undefined) log.fatal({ error: err }, 'the primary failed')
      else {
        // While none serves there is nothing that load balancers would have to notice.
        const stopInMs = workers.listening > 0 ? delay : 0
        log.info({ signal, stopInMs }, 'shutting down')
        await pause(stopInMs)
      }
      await workers.stop(timeout + 1000)
      await Promise.all([admin.close(), revocation.close()])
      log.info('stopped')
      await output.end()
    },
  )
  try {
    const adminUrl = urlOf('http', await listen(admin, config.admin, 'admin'))
    await revocation.start()
    if (isEnding()) return
    const url = await workers.start()
    if (isEnding()) return
    log.info({ url, adminUrl, workers: count, version: packageVersion(), node: process.version }, 'listening')
    manager.ready()
  } catch (error) {
    // What is ended anyway need not start, and ends as `shutdown` says.
    if (isEnding()) return
    grace.uninstall()
    await Promise.all([workers.stop(0), admin.close(), revocation.close()])
    throw error
  }
  output.flush()
}
