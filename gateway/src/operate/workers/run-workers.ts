// Runs a gateway with several workers: starts its primary, and ends it as the signals say.
import closeWithGrace from 'close-with-grace'
import { setTimeout as pause } from 'node:timers/promises'

import { clearDeadSockets } from '../../gateway/listener/socket-file.ts'
import { createLog } from '../../observe/log.ts'
import { standardOutput } from '../../observe/log-output.ts'
import type { Config } from '../../options/config.ts'
import { listen, urlOf } from '../process/main.ts'
import { packageVersion } from '../process/package-version.ts'
import { IDLE_SIGNALS, tellIdleSignals } from '../process/signals.ts'
import { watchedFilesOf } from '../reload/watched-files.ts'
import { createServiceManager } from '../supervisor/service-manager.ts'
import { createPrimary } from './primary.ts'

/** Runs until a signal comes. Throws CannotStart when a worker cannot start; nothing is left running then. */
export async function runWorkers(config: Config, file: string): Promise<void> {
  const output = standardOutput()
  const log = createLog(config.log, output)
  tellIdleSignals(log, ['SIGHUP', 'SIGUSR2'])
  const manager = createServiceManager(process.env, log)
  const files = config.watch ? watchedFilesOf(file) : undefined
  const primary = createPrimary(config, { file, manager, files }, log)
  const { workers, admin, revocation, reload, restart } = primary
  const { delay, timeout } = config.shutdown
  let isServing = false
  let isEnding = false
  let stopWatching: (() => void) | undefined
  process.on('SIGHUP', () => {
    if (isServing) void reload('SIGHUP')
  })
  process.on('SIGUSR2', () => {
    if (isServing) void restart('SIGUSR2')
  })
  // From before the first worker: a signal may come when some of them serve, and others do not yet.
  const grace = closeWithGrace(
    // A second more than the workers have, so that they can say why they did not end.
    { delay: delay + timeout + 3000, logger: false, skip: [...IDLE_SIGNALS] },
    async ({ signal, err }) => {
      isEnding = true
      stopWatching?.()
      manager.stopping()
      primary.retire()
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
    await Promise.all([revocation.start(), clearDeadSockets(config.listen)])
    if (isEnding) return
    const url = await workers.start()
    if (isEnding) return
    isServing = true
    if (files !== undefined) stopWatching = files.watch(() => reload('watch'))
    log.info({ url, adminUrl, workers: workers.count, version: packageVersion(), node: process.version }, 'listening')
    manager.ready()
  } catch (error) {
    // What is ended anyway need not start, and ends as `shutdown` says.
    if (isEnding) return
    grace.uninstall()
    await Promise.all([workers.stop(0), admin.close(), revocation.close()])
    throw error
  }
  output.flush()
}
