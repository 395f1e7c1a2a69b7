// Creates the listener: the application on Node's server, the routes in it, and the fast lane before it.
import type { Answer } from '../../accept/answer.ts'
import type { CorsByPath } from '../../accept/origins/cors-by-path.ts'
import type { Router } from '../../accept/routes/router.ts'
import type { Forwarding } from '../../forward/forwarding.ts'
import type { Config } from '../../options/config.ts'
import { createApp, type App, type AppParts } from './app.ts'
import { openFastLane } from './fast-lane.ts'
import type { Route } from '../route.ts'
import { registerRoutes } from './routes.ts'
import { createServe, type InFlight } from '../serve.ts'
import type { Steps } from '../steps.ts'

export interface ListenerParts extends Omit<AppParts, 'router' | 'cors'> {
  readonly router: Router<Route>
  readonly cors: CorsByPath
  readonly steps: Steps
  readonly inFlight: InFlight
  readonly answer: Answer
  readonly forwarding: Pick<Forwarding, 'webSocketMount'>
}

export interface Listener extends App {
  /** Requests that wait for others of their connection; of the lane each connection counts once. */
  waiting(): number
}

export function createListener(config: Config, parts: ListenerParts): Listener {
  const { router, steps, forwarding } = parts
  const listener = createApp(config, parts)
  const { readAhead } = listener.connections
  const serve = createServe(router, parts)
  registerRoutes(listener.app, router, { ...listener, ...forwarding, serve, upgrade: steps.upgrade })
  const lane = config.listen.parser === 'node' ? { held: 0 } : openFastLane(config, { ...listener, ...parts, serve })
  return { ...listener, waiting: () => readAhead.waiting + lane.held }
}
