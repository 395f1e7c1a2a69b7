// Tells the service manager that started this process when it is ready, reloads or stops: the protocol of sd_notify(3).
import { execFile } from 'node:child_process'

import type { Log } from '../../observe/log.ts'

export interface ServiceManager {
  ready(): void
  /** `ready` says that it is over. */
  reloading(): void
  stopping(): void
}

/** Sends assignments to the socket. Rejects when that cannot be done. */
export type Notify = (assignments: readonly string[], env: NodeJS.ProcessEnv) => Promise<void>

const TIMEOUT_MS = 10_000

/**
 * Node opens no datagram socket of the family AF_UNIX: net has streams (EPROTOTYPE), dgram has UDP, and takes no descriptor of
 * another kind (ERR_INVALID_FD_TYPE). Where systemd is, its own command does it. It gets nothing of the environment but what it
 * needs; and it waits until the manager has read the message, which could not tell a process that is gone.
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

/** Does nothing without NOTIFY_SOCKET. Never throws: what cannot be told is a line in the log, once. */
export function createServiceManager(
  env: NodeJS.ProcessEnv,
  log: Pick<Log, 'warn'>,
  notify: Notify = runSystemdNotify,
): ServiceManager {
  const isSet = (env['NOTIFY_SOCKET'] ?? '') !== ''
  let last = Promise.resolve()
  let isTold = false

  /** One after the other, since the last that comes counts. */
  function tell(...assignments: readonly string[]): void {
    if (!isSet) return
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
      // By the clock of the manager, which is that of hrtime: it tells this reload from the one before.
      tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
    },
    stopping() {
      tell('STOPPING=1')
    },
  }
}
