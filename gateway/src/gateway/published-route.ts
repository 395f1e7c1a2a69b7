// The route of keys that the gateway publishes: answered here, for anybody who asks.
import type { CompiledRoute } from './routes.ts'
import type { Answer } from '../accept/answer.ts'
import type { TokenLocation } from '../authenticate/locations/location.ts'
import { Failure } from '../failure.ts'
import type { RouteTally } from '../observe/metrics/route-tally.ts'
import type { PublishedKeySet } from '../renew/publish-keys.ts'

const ANYBODY = Object.freeze({ caller: undefined, location: undefined })

export function createPublishedRoute(
  keys: PublishedKeySet,
  answer: Answer,
  tally: RouteTally,
): CompiledRoute<TokenLocation> {
  return {
    path: keys.path,
    methods: ['GET'],
    hosts: undefined,
    encodedSlashes: false,
    emptySegments: false,
    demands: { auth: 'none', issuers: [], authorize: undefined },
    cors: undefined,
    takesWebSockets: false,
    tally,
    admit: ({ pathFault }) => (pathFault === undefined ? ANYBODY : new Failure('path_unsafe', pathFault)),
    forward(_request, reply) {
      keys.answer(reply.raw, reply.request.id)
    },
    refuse(failure, reply) {
      reply.hijack()
      answer(reply.raw, failure.code, reply.request.id)
    },
    admittedUpgrade() {
      throw new Error('published keys are no WebSocket')
    },
  }
}
