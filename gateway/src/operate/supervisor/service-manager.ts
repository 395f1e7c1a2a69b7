// Notifies the service manager when the process is ready, reloads or stops: the protocol of sd_notify(3).
import { execFile } from 'node:child_process'

import type { Log } from '../../observe/log.ts'

export interface ServiceManager {
  ready(): void
  /** Announces a reload. `ready` announces its end. */
  reloading(): void
  stopping(): void
}

/** Sends assignments to the socket. Rejects when it cannot send. */
export type Notify = (assignments: readonly string[], env: NodeJS.ProcessEnv) => Promise<void>

const TIMEOUT_MS = 10_000

/**
 * Node opens no datagram socket of the family AF_UNIX: net has streams (EPROTOTYPE), dgram has UDP and takes no descriptor of
 * another kind (ERR_INVALID_FD_TYPE). systemd-notify(1) comes with systemd. It receives only the environment variables that it
 * needs, and waits until the manager has read the message, because the manager cannot identify a process that has exited.
 */
function runSystemdNotify(assignments: readonly string[], { PATH, NOTIFY_SOCKET }: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { env: { PATH, NOTIFY_SOCKET }, timeout: TIMEOUT_MS }
    execFile('systemd-notify', [...assignments], options, (error) => {
      if (error === null) resolve()
      else reject(new Error(error.code === 'ENOENT' ? 'there is no systemd-notify' : 'systemd-notify failed'))
    })
  })
}

/** Does nothing without NOTIFY_SOCKET. Never throws: the first failed notification is logged, later ones are not. */
export function createServiceManager(
  env: NodeJS.ProcessEnv,
  log: Pick<Log, 'warn'>,
  notify: Notify = runSystemdNotify,
): ServiceManager {
  const isSet = (env['NOTIFY_SOCKET'] ?? '') !== ''
  let last = Promise.resolve()
  let isTold = false
  let isStopping = false

  /** Sends notifications in order, because the manager uses the latest. */
  function tell(...assignments: readonly string[]): void {
    // A reload that ends while the process does is no news: the manager waits for its end.
    if (!isSet || isStopping) return
    last = last
      .then(() => notify(assignments, env))
      .catch((error: unknown) => {
        if (isTold) return
        isTold = true
        const { message: reason } = error as Error
        log.warn(
          { reason },
          'the service manager (NOTIFY_SOCKET) cannot be told: docs/operating.md has a unit without it',
        )
      })
  }

  return {
    ready() {
      tell('READY=1')
    },
    reloading() {
      // CLOCK_MONOTONIC, the clock of hrtime: with it the manager distinguishes this reload from an earlier one.
      tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
    },
    stopping() {
      tell('STOPPING=1')
      isStopping = true
    },
  }
}
