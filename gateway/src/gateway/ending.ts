// Shuts a gateway down in steps: retires connections, ends streams, cuts requests that remain, and closes.
import type { Front } from './listener/listener.ts'
import type { InFlight } from './serve.ts'
import type { StreamWatch } from '../forward/streams/stream-watch.ts'
import type { Log } from '../observe/log.ts'

export interface Ending {
  /** Adds `Connection: close` to each response, so that clients go to another gateway. Serves requests as before. */
  retire(): void
  /** Takes no more connections, and leaves those that are open alone, also idle ones. */
  stopAccepting(): void
  /** How many clients are connected. */
  connections(): number
  /** Ends event streams within this time (milliseconds). WebSockets end when the gateway closes. */
  drain(withinMs: number): void
  /** Cuts the requests in flight and logs each. Resolves to their number. */
  cut(): Promise<number>
  /** Waits for the requests in flight, then closes upstreams and timers. */
  close(): Promise<void>
}

export interface EndingParts {
  readonly front: Pick<Front, 'listeners' | 'close'>
  readonly inFlight: InFlight
  readonly leaveStreams: StreamWatch['leave']
  readonly log: Pick<Log, 'warn'>
}

/** Creates the steps. `stop` runs before the last request has ended, `release` after it. */
export function createEnding(
  { front, inFlight, leaveStreams, log }: EndingParts,
  { stop, release }: { readonly stop: () => void; readonly release: () => Promise<void> },
): Ending {
  let closed: Promise<void> | undefined

  async function close(): Promise<void> {
    stop()
    await front.close()
    await release()
  }

  return {
    retire() {
      front.listeners.retire()
    },
    stopAccepting() {
      front.listeners.stopAccepting()
    },
    connections: () => front.listeners.connections,
    drain(withinMs) {
      leaveStreams(withinMs)
    },
    async cut() {
      let count = 0
      inFlight.onCut = ({ method }, requestId, route) => {
        count += 1
        log.warn({ requestId, method, route }, 'request cut (shutdown.timeout)')
      }
      await front.listeners.cut()
      return count
    },
    close: () => (closed ??= close()),
  }
}
