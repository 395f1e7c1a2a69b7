// Ends a gateway: has it retire, drain and cut its connections, and close.
import type { App } from './app.ts'
import { closeApp } from './app.ts'
import type { InFlight } from './routes.ts'
import type { StreamWatch } from '../forward/streams/stream-watch.ts'
import type { Log } from '../observe/log.ts'

export interface Ending {
  /** From now on each response ends its connection, so that clients go elsewhere; all is served as before. */
  retire(): void
  /** Event streams, which have no end of their own, are ended within this time; WebSockets when it closes. */
  drain(withinMs: number): void
  /** Ends what is still under way, with a line for each; settles with how many. */
  cut(): Promise<number>
  /** Serves what is under way, then lets go of upstreams and timers. */
  close(): Promise<void>
}

export interface EndingParts {
  readonly listener: App
  readonly inFlight: InFlight
  readonly leaveStreams: StreamWatch['leave']
  readonly log: Pick<Log, 'warn'>
}

/** `stop` comes before the last request is over, `release` after it. */
export function createEnding(
  { listener, inFlight, leaveStreams, log }: EndingParts,
  { stop, release }: { readonly stop: () => void; readonly release: () => Promise<void> },
): Ending {
  let closed: Promise<void> | undefined

  async function close(): Promise<void> {
    stop()
    await closeApp(listener)
    await release()
  }

  return {
    retire() {
      listener.connections.retire()
    },
    drain(withinMs) {
      leaveStreams(withinMs)
    },
    async cut() {
      let count = 0
      inFlight.onCut = ({ method }, requestId, route) => {
        count += 1
        log.warn({ requestId, method, route }, 'request cut (shutdown.timeout)')
      }
      await listener.connections.cut()
      return count
    },
    close: () => (closed ??= close()),
  }
}
