// Chooses the Fastify scope of a request: only WebSocket routes pay for the WebSocket plugin.
import type { FastifyInstance } from 'fastify'

import type { AdmissionPolicy } from '../admit.ts'
import type { RoutedRequest } from './router.ts'
import { isWebSocketUpgrade } from './upgrades.ts'

type Strategy = Parameters<FastifyInstance['addConstraintStrategy']>[0]
type Handler = Parameters<ReturnType<Strategy['storage']>['set']>[1]

export const WEBSOCKET_LANE = 'websocket'

function laneOf(
  request: RoutedRequest<{ readonly admission: Pick<AdmissionPolicy, 'websocket'> }>,
): string | undefined {
  return request.entry?.route?.admission.websocket === true && request.method === 'GET' && isWebSocketUpgrade(request)
    ? WEBSOCKET_LANE
    : undefined
}

export const laneStrategy: Strategy = {
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
  deriveConstraint: (request: unknown) => laneOf(request as Parameters<typeof laneOf>[0]),
  validate: () => undefined,
}
