// Creates the listener: the application on Node's server, the routes in it, and the fast lane before it.
import type { WebSocketMount } from '../../forward/forwarding.ts'
import type { Config } from '../../options/config.ts'
import { createApp, type App, type AppParts } from './app.ts'
import { openFastLane } from './fast-lane.ts'
import { registerRoutes } from './routes.ts'

export interface ListenerParts extends AppParts {
  readonly webSocketMount: WebSocketMount
}

export interface Listener extends App {
  /** Requests that wait for others of their connection; of the lane each connection counts once. */
  waiting(): number
}

export function createListener(config: Config, parts: ListenerParts): Listener {
  const listener = createApp(config, parts)
  const { readAhead } = listener.connections
  registerRoutes(listener.app, { ...listener, ...parts })
  const lane = config.listen.parser === 'node' ? { held: 0 } : openFastLane({ ...listener, ...parts })
  return { ...listener, waiting: () => readAhead.waiting + lane.held }
}
