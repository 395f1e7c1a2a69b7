// Which of Fastify's scopes serves a request: the plugins for CORS and WebSockets are kept off the path of all others.
import type { FastifyInstance } from 'fastify'

import type { CorsConfig } from './cors.ts'
import type { TableEntry } from './route-table.ts'
import type { RoutedRequest } from './router.ts'
import { isWebSocketUpgrade } from './upgrades.ts'

type Strategy = Parameters<FastifyInstance['addConstraintStrategy']>[0]
type Handler = Parameters<ReturnType<Strategy['storage']>['set']>[1]

export type Lane = 'cors' | 'websocket' | 'cors-websocket'

interface Laned {
  readonly cors: CorsConfig | undefined
  readonly takesWebSockets: boolean
}

export interface Lanes<Route> {
  readonly used: ReadonlySet<Lane>
  /** Undefined: all requests take one way, and nobody is asked. */
  readonly strategy: Strategy | undefined
  corsOf(request: RoutedRequest<Route>): CorsConfig | undefined
}

export function createLanes<Route extends Laned>(table: readonly TableEntry<Route>[]): Lanes<Route> {
  const corsByEntry = new Map<TableEntry<Route> | undefined, CorsConfig>()
  const used = new Set<Lane>()
  for (const entry of table) {
    const cors = entry.siblings.find((sibling) => sibling.cors !== undefined)?.cors
    if (cors !== undefined) corsByEntry.set(entry, cors)
    if (cors !== undefined) used.add('cors')
    if (entry.route?.takesWebSockets === true) used.add(cors === undefined ? 'websocket' : 'cors-websocket')
  }

  function laneOf(request: RoutedRequest<Route>): Lane | undefined {
    const { entry } = request
    const cors = corsByEntry.has(entry)
    if (entry?.route?.takesWebSockets === true && request.method === 'GET' && isWebSocketUpgrade(request))
      return cors ? 'cors-websocket' : 'websocket'
    return cors ? 'cors' : undefined
  }

  const strategy: Strategy = {
    name: 'lane',
    storage() {
      const handlers = new Map<unknown, Handler>()
      return {
        get: (lane: unknown) => handlers.get(lane) ?? null,
        set: (lane: unknown, handler: Handler) => {
          handlers.set(lane, handler)
        },
      }
    },
    deriveConstraint: (request: unknown) => laneOf(request as RoutedRequest<Route>),
    validate: () => undefined,
  }
  return { used, strategy: used.size === 0 ? undefined : strategy, corsOf: ({ entry }) => corsByEntry.get(entry) }
}
