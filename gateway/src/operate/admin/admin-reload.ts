// The admin API that reloads the config. It needs the admin token.
import type { FastifyInstance } from 'fastify'

import { AdminProblem, sendProblem } from './admin-problem.ts'
import { createAdminGuard } from './admin-token.ts'
import type { Log } from '../../observe/log.ts'
import type { Reload } from '../reload/reload.ts'

export interface AdminReloadParts {
  /** Undefined where this gateway cannot, as its config is from no file. */
  readonly reload: Reload | undefined
  readonly token: string | undefined
  readonly log: Log
}

const NOT_HERE = new AdminProblem(501, 'reload_unavailable', 'The config of this gateway is from no file')

/** What is wrong with the file goes to whoever has the admin token, in the words of `tollgate check`: no secret is in them. */
export function addReloadRoute(app: FastifyInstance, { reload, token, log }: AdminReloadParts): void {
  const onRequest = createAdminGuard(token, (client) => {
    log.warn({ client }, 'admin request refused: no or wrong admin token')
  })
  app.post('/api/reload', { onRequest }, async (_request, reply) => {
    if (reload === undefined) return sendProblem(reply, NOT_HERE)
    const reloaded = await reload('POST /api/reload')
    const answer = reply.header('cache-control', 'no-store')
    if (reloaded.ok) {
      const { warnings, needsRestart } = reloaded
      return answer.send({ reloaded: true, warnings, needsRestart })
    }
    const title = 'The config cannot be used: the last one still serves'
    const { problems } = reloaded
    return answer
      .code(422)
      .header('x-tollgate', 'config_invalid')
      .type('application/problem+json')
      .send(
        JSON.stringify({
          ...{ type: 'urn:tollgate:config_invalid', title, status: 422, code: 'config_invalid' },
          ...{ reloaded: false, problems },
        }),
      )
  })
}
