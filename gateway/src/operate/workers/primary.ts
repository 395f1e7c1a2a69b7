// The primary's own parts, which serve no request: the workers, the block list for all of them, the admin listener, and reloads.
import type { FastifyInstance } from 'fastify'
import { availableParallelism } from 'node:os'

import { systemClock, systemSchedule } from '../../clock.ts'
import { boundTokenCache } from '../../gateway/bound-token-cache.ts'
import { clearDeadSockets } from '../../gateway/listener/socket-file.ts'
import { keepRestartOnly } from '../../gateway/change/restart-only.ts'
import { createRevocationEvents, leastTolerance, revocationFindings } from '../../observe/events/revocation-events.ts'
import type { Log } from '../../observe/log.ts'
import { mergeReadiness, watchReadiness, type Finding, type Readiness } from '../../observe/readiness/readiness.ts'
import type { Config } from '../../options/config.ts'
import { renewalFactsOf } from '../../revoke/entries-for.ts'
import { createRevocation, type Revocation } from '../../revoke/revocation.ts'
import { buildAdmin } from '../admin/admin.ts'
import { adminPartsOf, shuttingDown } from '../process/main.ts'
import { createReload, type Reload, type ReloadSource } from '../reload/reload.ts'
import { createCluster, type Cluster } from './cluster.ts'
import { createFork } from './fork-worker.ts'
import { createMergedMetrics } from './merged-metrics.ts'
import { spreadRevocations } from './spread-revocations.ts'

export interface Primary {
  readonly workers: Cluster
  readonly admin: FastifyInstance
  readonly revocation: Revocation
  readonly reload: Reload
  /** Not ready any more, and each response ends its connection; all is served as before. */
  retire(): void
}

export function workerCount({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}

/** A gateway of which no worker is there is not ready at all; with fewer than there should be the others serve. */
export function workerFindings({ listening, count }: Pick<Cluster, 'listening' | 'count'>): readonly Finding[] {
  if (listening === 0) return [{ part: 'workers', state: 'failing', reason: 'none is running' }]
  if (listening === count) return [{ part: 'workers', state: 'ok' }]
  return [{ part: 'workers', state: 'degraded', reason: `${listening} of ${count} are running` }]
}

/** What any worker lacks, and what is here. */
async function readinessOf(workers: Cluster, own: Readiness): Promise<Readiness> {
  const answers = (await workers.ask('readiness')).filter((answer) => answer !== undefined)
  return mergeReadiness([own, ...answers])
}

/** The store is here, and changes when all workers have. Throws CannotStart; then it is the one before. */
async function withStore(revocation: Revocation, config: Config, change: () => Promise<void>): Promise<void> {
  const store = revocation.prepare(config.revocation)
  try {
    await store.open()
    await change()
    store.commit()
  } catch (error) {
    await store.abandon()
    throw error
  }
}

/** Socket files are cleared here, as the primary alone may do it. */
async function changeWorkers(workers: Cluster, config: Config): Promise<void> {
  await clearDeadSockets(config.listen)
  await workers.change(config)
}

export function createPrimary(first: Config, { file, manager }: ReloadSource, log: Log): Primary {
  let running = { config: first, loadedAtMs: systemClock.now() }
  const reloads = { successful: true, succeededAtMs: running.loadedAtMs }
  const revocation = createRevocation({
    options: first.revocation,
    clock: systemClock,
    schedule: systemSchedule,
    events: createRevocationEvents(log, leastTolerance(first.issuers)),
  })
  // Each worker has a heap as large as this one, so that what is told here once is right for all of them.
  const bound = (config: Config) => boundTokenCache(config, undefined, log)
  const workers = createCluster({
    count: workerCount(first),
    config: bound(first),
    fork: createFork(spreadRevocations(revocation, systemSchedule)),
    clock: systemClock,
    schedule: systemSchedule,
    log,
  })
  const reload = createReload({
    ...{ file, manager, log },
    async apply(next) {
      const { config, needsRestart } = keepRestartOnly(running.config, next)
      await withStore(revocation, config, () => changeWorkers(workers, bound(config)))
      running = { config, loadedAtMs: systemClock.now() }
      return needsRestart
    },
    onReloaded(ok) {
      reloads.successful = ok
      if (ok) reloads.succeededAtMs = running.loadedAtMs
    },
  })
  const own = watchReadiness(
    () => [...workerFindings(workers), ...revocationFindings(revocation)],
    systemClock,
    systemSchedule,
  )
  own.start()
  let closingSinceMs: number | undefined
  const admin = buildAdmin({
    metrics: createMergedMetrics(workers, reloads),
    readiness: () =>
      closingSinceMs === undefined ? readinessOf(workers, own.readiness()) : shuttingDown(closingSinceMs),
    revocation,
    renewalOf: (issuer) => renewalFactsOf(running.config.issuers)(issuer),
    // Tokens are met by workers.
    issuerTimeSec: () => undefined,
    explain: (question) => workers.explain(question),
    statusOfWorkers: () => workers.ask('status'),
    reload,
    ...adminPartsOf(() => running, log),
  })
  return {
    ...{ workers, admin, revocation, reload },
    retire() {
      closingSinceMs ??= systemClock.now()
      workers.retire()
    },
  }
}
