// The primary's own parts, which serve no request: the workers, the block list for all of them, the admin listener, and reloads.
import type { FastifyInstance } from 'fastify'

import { systemClock, systemSchedule } from '../../clock.ts'
import { boundTokenCache } from '../../gateway/bound-token-cache.ts'
import { clearDeadSockets } from '../../gateway/listener/socket-file.ts'
import { createRevocationEvents, leastTolerance, revocationFindings } from '../../observe/events/revocation-events.ts'
import type { Log } from '../../observe/log.ts'
import { mergeReadiness, watchReadiness, type Finding, type Readiness } from '../../observe/readiness/readiness.ts'
import type { Config } from '../../options/config.ts'
import { renewalFactsOf } from '../../revoke/entries-for.ts'
import { createRevocation, type Revocation } from '../../revoke/revocation.ts'
import { buildAdmin } from '../admin/admin.ts'
import { adminPartsOf, shuttingDown } from '../process/main.ts'
import { createReload, type Reload, type ReloadSource, type Restart } from '../reload/reload.ts'
import { createSharedNext } from '../reload/share-next.ts'
import { createWorkersChange, workerCount, type WorkersChange } from './change-workers.ts'
import { createCluster, type Cluster } from './cluster.ts'
import { createFork } from './fork-worker.ts'
import { createMergedMetrics } from './merged-metrics.ts'
import { spreadRevocations } from './spread-revocations.ts'

export interface Primary {
  readonly workers: Cluster
  readonly admin: FastifyInstance
  readonly revocation: Revocation
  readonly reload: Reload
  readonly restart: Restart
  /** Not ready any more, and each response ends its connection; all is served as before. */
  retire(): void
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
async function withStore(
  { revocation, log }: { readonly revocation: Revocation; readonly log: Log },
  config: Config,
  change: () => Promise<void>,
): Promise<void> {
  const store = revocation.prepare(config.revocation)
  try {
    await store.open()
    await change()
    store.commit()
    log.level = config.log.level
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

/** What may be asked of it, and what the metrics tell of that. */
function createAsks(change: WorkersChange, source: ReloadSource, log: Log) {
  const reloads = { successful: true, succeededAtMs: change.running.loadedAtMs }
  const reload = createReload({
    ...{ ...source, log },
    apply: (config) => change.apply(config),
    onReloaded(ok) {
      reloads.successful = ok
      if (ok) reloads.succeededAtMs = change.running.loadedAtMs
    },
  })
  const restart = createSharedNext((cause) => change.restart(reload, cause))
  return { reloads, reload, restart }
}

export function createPrimary(first: Config, source: ReloadSource, log: Log): Primary {
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
  const change = createWorkersChange({
    first,
    workers: {
      change: (config) => withStore({ revocation, log }, config, () => changeWorkers(workers, bound(config))),
      roll: (config, count) => workers.roll(bound(config), count),
    },
    clock: systemClock,
    log,
  })
  const { reloads, reload, restart } = createAsks(change, source, log)
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
    renewalOf: (issuer) => renewalFactsOf(change.running.config.issuers)(issuer),
    // Tokens are met by workers.
    issuerTimeSec: () => undefined,
    explain: (question) => workers.explain(question),
    statusOfWorkers: () => workers.ask('status'),
    ...{ reload, restart },
    ...adminPartsOf(() => change.running, log, source.file, true),
  })
  return {
    ...{ workers, admin, revocation, reload, restart },
    retire() {
      closingSinceMs ??= systemClock.now()
      workers.retire()
    },
  }
}
