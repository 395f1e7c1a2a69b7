// Signals that do not end a gateway, though close-with-grace, or Node by default, would end it.
import type { Log } from '../../observe/log.ts'

/** SIGHUP comes when a terminal closes and from who wants a reload, SIGUSR2 and SIGQUIT mean something else to each server. */
export const IDLE_SIGNALS = ['SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const

/** From now on they are a line in the log and nothing else, but for SIGHUP where somebody reloads. */
export function tellIdleSignals(log: Pick<Log, 'warn'>, reloads: boolean): void {
  for (const signal of IDLE_SIGNALS) {
    if (reloads && signal === 'SIGHUP') continue
    process.on(signal, () => {
      log.warn(
        { signal },
        signal === 'SIGHUP'
          ? 'this signal does nothing: with several workers the config is read at the start alone'
          : 'this signal does nothing: SIGTERM and SIGINT end the gateway',
      )
    })
  }
}
