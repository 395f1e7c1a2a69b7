// Signals that do not end a gateway, though close-with-grace, or Node by default, would end it.
import type { Log } from '../../observe/log.ts'

/** SIGHUP comes when a terminal closes and from who wants a reload, SIGUSR2 and SIGQUIT mean something else to each server. */
export const IDLE_SIGNALS = ['SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const

/** From now on they are a line in the log and nothing else, but for those that somebody hears. */
export function tellIdleSignals(log: Pick<Log, 'warn'>, heard: readonly (typeof IDLE_SIGNALS)[number][]): void {
  for (const signal of IDLE_SIGNALS) {
    if (heard.includes(signal)) continue
    process.on(signal, () => {
      log.warn({ signal }, 'this signal does nothing: SIGTERM and SIGINT end the gateway, SIGHUP reloads its config')
    })
  }
}
