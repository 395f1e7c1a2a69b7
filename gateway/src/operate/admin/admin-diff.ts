// The admin API that tells what a reload would change. It needs the admin token, though it changes nothing: it reads the config file.
import type { FastifyInstance } from 'fastify'

import { AdminProblem, sendProblem } from './admin-problem.ts'
import { sendFailed } from './admin-reload.ts'
import { createAdminGuard, type AdminToken } from './admin-token.ts'
import type { Log } from '../../observe/log.ts'
import type { Diff } from '../reload/diff.ts'

export interface AdminDiffParts {
  /** Undefined where the config is from no file. */
  readonly diff: Diff | undefined
  readonly token: AdminToken
  readonly log: Log
}

const NOT_HERE = new AdminProblem(501, 'diff_unavailable', 'The config of this gateway is from no file')

export function addDiffRoute(app: FastifyInstance, { diff, token, log }: AdminDiffParts): void {
  const onRequest = createAdminGuard(token, (client) => {
    log.warn({ client }, 'admin request refused: no or wrong admin token')
  })
  app.post('/api/diff', { onRequest }, async (_request, reply) => {
    if (diff === undefined) return sendProblem(reply, NOT_HERE)
    void reply.header('cache-control', 'no-store')
    const compared = await diff()
    if (!compared.ok) {
      const title = 'The config cannot be used: a reload would change nothing'
      return sendFailed(reply, 422, 'config_invalid', title, { problems: compared.problems })
    }
    return reply.send(compared.diff)
  })
}
