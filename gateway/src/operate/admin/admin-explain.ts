// The admin API that explains a request by what the running gateway has. It needs the admin token.
import type { FastifyInstance } from 'fastify'

import { AdminProblem, sendProblem } from './admin-problem.ts'
import { createAdminGuard, type AdminToken } from './admin-token.ts'
import { readQuestion } from './explain-question.ts'
import { createTurns } from './one-at-a-time.ts'
import type { Explained } from '../explain/explain-running.ts'
import type { ExplainQuestion } from '../explain/explained-request.ts'
import type { Log } from '../../observe/log.ts'

export interface AdminExplainParts {
  /** Undefined when nobody is there who could tell. */
  readonly explain: (question: ExplainQuestion) => Promise<Explained | undefined>
  readonly token: AdminToken
  readonly log: Log
}

const BODY_BYTES = 262_144
/** Each question builds the stages anew, which takes the process some milliseconds: one after the other, and not without end. */
const MAX_WAITING = 16
const BUSY = new AdminProblem(503, 'explain_busy', 'Too many requests are being explained: ask again')
const NOBODY = new AdminProblem(503, 'explain_unavailable', 'No worker is there who could tell')

/** Nothing of a question is logged: it holds a token. */
export function addExplainRoute(app: FastifyInstance, { explain, token, log }: AdminExplainParts): void {
  const turns = createTurns(MAX_WAITING)
  const onRequest = createAdminGuard(token, (client) => {
    log.warn({ client }, 'admin request refused: no or wrong admin token')
  })
  const config = { tooLarge: 'The body is larger than 256 KiB' }

  app.post('/api/explain', { onRequest, bodyLimit: BODY_BYTES, config }, async ({ body }, reply) => {
    const question = readQuestion(body, Date.now() / 1000)
    if (typeof question === 'string') return sendProblem(reply, new AdminProblem(400, 'question_invalid', question))
    const told = await turns.run(async () => (await explain(question)) ?? NOBODY)
    if (told === undefined) return sendProblem(reply.header('retry-after', '1'), BUSY)
    if (told instanceof AdminProblem) return sendProblem(reply, told)
    if ('failed' in told) return sendProblem(reply, new AdminProblem(500, 'explain_failed', told.failed))
    return reply.header('cache-control', 'no-store').type('application/json').send(told.json)
  })
}
