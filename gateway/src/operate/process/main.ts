// The process: listens, says where, and ends without losing a request.
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import type { AddressInfo } from 'node:net'
import cluster from 'node:cluster'
import { setTimeout as pause } from 'node:timers/promises'

import { systemClock } from '../../clock.ts'
import type { Config } from '../../options/config.ts'
import { firstKeys } from './first-keys.ts'
import { setHeapFlags } from './heap-flags.ts'
import { buildAdmin } from '../admin/admin.ts'
import { createExplainRunning } from '../explain/explain-running.ts'
import { createAskIssuer } from '../issuer-client/ask-issuer.ts'
import { createFetchJson } from '../issuer-client/fetch-json.ts'
import type { RunningConfig } from '../admin/admin-status.ts'
import { createDiff } from '../reload/diff.ts'
import { applyHere } from '../reload/apply-here.ts'
import { createReload, type Reload, type ReloadSource } from '../reload/reload.ts'
import { watchedFilesOf } from '../reload/watched-files.ts'
import { createLog, type Log } from '../../observe/log.ts'
import { standardOutput } from '../../observe/log-output.ts'
import { notReadyAtAll, type Readiness } from '../../observe/readiness/readiness.ts'
import { packageVersion } from './package-version.ts'
import { buildServer } from '../../gateway/gateway.ts'
import { portFault } from '../../gateway/listener/bind.ts'
import { clearDeadSockets } from '../../gateway/listener/socket-file.ts'
import type { Gateway, ServerParts } from '../../gateway/running.ts'
import { IDLE_SIGNALS, tellIdleSignals } from './signals.ts'
import { createServiceManager } from '../supervisor/service-manager.ts'
import { keepTickShape } from './tick-shape.ts'

export interface RunningProxy {
  readonly gateway: Gateway
  /** `http://127.0.0.1:8080`, with the port that was really taken; of several listeners with a comma between them. */
  readonly url: string
  readonly close: () => Promise<void>
}

export interface RunningGateway extends RunningProxy {
  readonly adminUrl: string
  /** Undefined for a config that is from no file. */
  readonly reload: Reload | undefined
  /** Not ready any more, and each response ends its connection; all is served as before. */
  retire(): void
}

/** Throws CannotStart, which says in one line why not. */
export async function listen(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
  option: string,
): Promise<AddressInfo> {
  try {
    await app.listen({ host, port })
    return app.server.address() as AddressInfo
  } catch (error) {
    throw portFault({ host, port }, error, { path: [option], name: option })
  }
}

export function urlOf(scheme: string, { address, family, port }: AddressInfo): string {
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

export interface ProxyParts extends Pick<ServerParts, 'log' | 'storeOf'> {
  /** Comes between building and waiting for keys and the block list. */
  readonly onBuilt?: (gateway: Gateway) => Promise<void>
  /** Comes when these are here, before it listens. */
  readonly onReady?: (gateway: Gateway) => Promise<void>
}

/** Starts the proxy alone, as each worker of several does. Throws CannotStart. */
export async function startProxy(config: Config, { onBuilt, onReady, ...parts }: ProxyParts): Promise<RunningProxy> {
  const { fetchJson, close: closeFetch } = createFetchJson()
  const { askIssuer, close: closeAsking } = createAskIssuer()
  const gateway = buildServer(config, { ...parts, version: packageVersion(), fetchJson, askIssuer })

  async function close(): Promise<void> {
    await gateway.close()
    await Promise.all([closeFetch(), closeAsking()])
  }

  try {
    // First the admin listener, so that a start that waits for its store can be looked at.
    await onBuilt?.(gateway)
    // Keys and the block list together, as each may take its time; and the first request is answered as all others.
    await Promise.all([gateway.revocation.start(), firstKeys(gateway, config.startTimeout, parts.log)])
    await onReady?.(gateway)
    if (!cluster.isWorker) await clearDeadSockets(config.listen)
    await gateway.listen()
    return { gateway, url: gateway.listeners.urls.join(', '), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The last that is told of readiness. */
export function shuttingDown(sinceMs: number): Readiness {
  return notReadyAtAll('process', 'shutting down', sinceMs)
}

/** What the admin listener needs of the config, in one process as with workers. */
export function adminPartsOf(running: () => RunningConfig, log: Log, file: string | undefined, hasWorkers = false) {
  return {
    diff: file === undefined ? undefined : createDiff({ file, running, hasWorkers, log }),
    running,
    version: packageVersion(),
    token: () => running().config.admin.token,
    issuers: () => running().config.issuers,
    maxEntries: () => running().config.revocation.maxEntries,
    clock: systemClock,
    log,
  }
}

/** Starts the admin listener, and the gateway once keys and revocations are here. Throws CannotStart. */
export async function startGateway(config: Config, log: Log, source?: ReloadSource): Promise<RunningGateway> {
  let loadedAtMs = systemClock.now()
  let reload: Reload | undefined
  let closingSinceMs: number | undefined
  let admin: FastifyInstance | undefined
  let adminUrl = ''
  try {
    const proxy = await startProxy(config, {
      log,
      async onBuilt(gateway) {
        const readiness = () => (closingSinceMs === undefined ? gateway.readiness() : shuttingDown(closingSinceMs))
        const explain = createExplainRunning(gateway, log)
        const statusOfWorkers = () => Promise.resolve([gateway.status()])
        const running = () => ({ config: gateway.config, loadedAtMs })
        reload = source && reloadOf(gateway, source, log, () => (loadedAtMs = systemClock.now()))
        admin = buildAdmin({
          ...gateway,
          ...adminPartsOf(running, log, source?.file),
          readiness,
          explain,
          statusOfWorkers,
          reload,
        })
        adminUrl = urlOf('http', await listen(admin, config.admin, 'admin'))
      },
    })
    return {
      ...proxy,
      adminUrl,
      reload,
      retire() {
        closingSinceMs ??= systemClock.now()
        proxy.gateway.retire()
      },
      async close() {
        closingSinceMs ??= systemClock.now()
        await proxy.close()
        await admin?.close()
      },
    }
  } catch (error) {
    await admin?.close()
    throw error
  }
}

function reloadOf(gateway: Gateway, source: ReloadSource, log: Log, onLoaded: () => void): Reload {
  return createReload({
    ...{ ...source, log },
    apply: (config) => applyHere(config, gateway, log),
    onReloaded(ok) {
      gateway.noteReload(ok)
      if (ok) onLoaded()
    },
  })
}

/** How long the store may take for what was revoked last, after all else was cut. */
const STORE_MS = 1000

/** Serves what is under way for so long. Streams are told to end meanwhile, and what is left then is cut and told in the log. */
export async function closeInTime({ close, gateway }: RunningProxy, timeoutMs: number, log: Log): Promise<void> {
  gateway.drain(timeoutMs)
  const closing = close()
  const hasEnded = await Promise.race([closing.then(() => true), pause(timeoutMs, false)])
  if (hasEnded) return
  log.warn({ count: await gateway.cut() }, 'what is still under way is cut (shutdown.timeout)')
  await Promise.race([closing, pause(STORE_MS)])
}

/** Runs until a signal comes, and then as long as `shutdown` says; a second signal ends the process at once. */
export async function runGateway(config: Config, file: string): Promise<void> {
  setHeapFlags()
  keepTickShape()
  const output = standardOutput()
  const log = createLog(config.log, output)
  tellIdleSignals(log, ['SIGHUP'])
  const { delay, timeout } = config.shutdown
  const manager = createServiceManager(process.env, log)
  const files = config.watch ? watchedFilesOf(file) : undefined
  let running: RunningGateway | undefined
  let isEnding = false
  let stopWatching = () => {
    // Set where the config says watch.
  }
  // From the first moment on, as the signal would end the process. A config that is being read is read anyway.
  process.on('SIGHUP', () => void running?.reload?.('SIGHUP'))
  // From before the start, which may take its time: who is asked to end then has nothing to drain, and ends all the same with 0.
  const grace = closeWithGrace(
    { delay: delay + timeout + 3 * STORE_MS, logger: false, skip: [...IDLE_SIGNALS] },
    async ({ signal, err }) => {
      isEnding = true
      stopWatching()
      manager.stopping()
      running?.retire()
      if (err !== undefined) log.fatal({ error: err }, 'the gateway failed')
      else {
        const stopInMs = running === undefined ? 0 : delay
        log.info({ signal, stopInMs }, 'shutting down')
        await pause(stopInMs)
      }
      if (running !== undefined) await closeInTime(running, timeout, log)
      log.info('stopped')
      await output.end()
    },
  )
  try {
    running = await startGateway(config, log, { file, manager, files })
  } catch (error) {
    // What is ended anyway need not start.
    if (isEnding) return
    grace.uninstall()
    throw error
  }
  if (isEnding) return
  if (files !== undefined) stopWatching = files.watch(async () => running?.reload?.('watch'))
  const { url, adminUrl } = running
  log.info({ url, adminUrl, version: packageVersion(), node: process.version }, 'listening')
  manager.ready()
  output.flush()
}
