// Creates what serves clients: the application with its routes, and the listeners before it.
import type { WebSocketMount } from '../../forward/forwarding.ts'
import type { ListenerEvents } from '../../observe/events/listener-events.ts'
import type { Config } from '../../options/config.ts'
import { createApp, type App, type AppParts } from './app.ts'
import { createConnectionServer } from './connection-server.ts'
import { Listeners } from './listeners.ts'
import { registerRoutes } from './routes.ts'

export interface ListenerParts extends AppParts, ListenerEvents {
  readonly webSocketMount: WebSocketMount
}

/** What stands before the stages. */
export interface Front extends Pick<App, 'app' | 'parsers'> {
  readonly listeners: Listeners
  /** Requests that wait for others of their connection; of the lane each connection counts once. */
  waiting(): number
  /** Throws CannotStart; then none listens. */
  listen(): Promise<void>
  /** Ends WebSockets, and waits for the requests in flight. */
  close(): Promise<void>
}

/** Throws CannotStart for a certificate that cannot be used. Nobody listens yet. */
export function createFront(config: Config, parts: ListenerParts): Front {
  const shared = createApp(config, parts)
  const { app, parsers, held, supervision } = shared
  registerRoutes(app, parts)
  const listeners = new Listeners(
    config.listen,
    (options, place) => createConnectionServer(options, place, { ...shared, ...parts, watch: config.watch }),
    parts.log,
  )
  return {
    ...{ app, parsers, listeners },
    waiting: () => supervision.readAhead.waiting + held.count,
    async listen() {
      await app.ready()
      await listeners.listen()
    },
    async close() {
      await Promise.all([listeners.close(), app.close()])
    },
  }
}
