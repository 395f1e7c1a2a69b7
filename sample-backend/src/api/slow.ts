// Answers late, to watch the gateway's timeouts.
import type { FastifyInstance } from 'fastify'

import type { Pause } from '../clock.ts'
import type { LeaveSignals } from '../leave-signals.ts'
import { sendProblem } from '../problem.ts'
import { viewCaller } from './caller.ts'
import { readQueryNumber } from './query-number.ts'

interface SlowOptions {
  readonly pause: Pause
  readonly leaveSignals: LeaveSignals
}

const MAX_MS = 60_000

export function addSlow(app: FastifyInstance, { pause, leaveSignals }: SlowOptions): void {
  app.get('/slow', async (request, reply) => {
    const ms = readQueryNumber(request.query, 'ms', { min: 0, max: MAX_MS, fallback: 1000 })
    if (ms === undefined) {
      return sendProblem(reply, { status: 400, code: 'request_invalid', title: `ms must be 0 to ${MAX_MS}` })
    }

    const signal = leaveSignals(reply)
    try {
      await pause(ms, signal)
    } catch (error) {
      if (!signal.aborted) throw error
      return sendProblem(reply, { status: 503, code: 'shutting_down', title: 'The server is shutting down' })
    }
    return { ...viewCaller(request.headers), waitedMs: ms }
  })
}
