// Sends events for a while, to see that a gateway passes them on as they come.
import { Readable } from 'node:stream'

import type { FastifyInstance } from 'fastify'

import type { Clock, Pause } from '../clock.ts'
import type { LeaveSignals } from '../leave-signals.ts'
import { sendProblem } from '../problem.ts'
import { viewCaller } from './caller.ts'
import { createEvents } from './events.ts'
import { readQueryNumber } from './query-number.ts'

interface StreamOptions {
  readonly clock: Clock
  readonly pause: Pause
  readonly leaveSignals: LeaveSignals
}

const COUNT = { min: 1, max: 1000, fallback: 5 }
const INTERVAL_MS = { min: 10, max: 60_000, fallback: 1000 }

export function addStream(app: FastifyInstance, { clock, pause, leaveSignals }: StreamOptions): void {
  app.get('/stream', { exposeHeadRoute: false }, (request, reply) => {
    const count = readQueryNumber(request.query, 'count', COUNT)
    const intervalMs = readQueryNumber(request.query, 'intervalMs', INTERVAL_MS)
    if (count === undefined || intervalMs === undefined) {
      const title = `count must be 1 to ${COUNT.max}, intervalMs ${INTERVAL_MS.min} to ${INTERVAL_MS.max}`
      return sendProblem(reply, { status: 400, code: 'request_invalid', title })
    }

    const { caller } = viewCaller(request.headers)
    const signal = leaveSignals(reply)
    return reply
      .type('text/event-stream')
      .header('cache-control', 'no-store')
      .send(Readable.from(createEvents({ count, intervalMs, clock, pause, signal, data: { caller } })))
  })
}
