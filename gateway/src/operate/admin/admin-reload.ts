// The admin API that reloads the config. It needs the admin token.
import type { FastifyInstance, FastifyReply } from 'fastify'

import { AdminProblem, sendProblem } from './admin-problem.ts'
import { createAdminGuard, type AdminToken } from './admin-token.ts'
import type { Log } from '../../observe/log.ts'
import type { Reload, Reloaded, Restart, Restarted } from '../reload/reload.ts'

export interface AdminReloadParts {
  /** Undefined where this gateway cannot, as its config is from no file. */
  readonly reload: Reload | undefined
  /** Undefined without workers that new ones could replace. */
  readonly restart?: Restart
  readonly token: AdminToken
  readonly log: Log
}

const NOT_HERE = new AdminProblem(501, 'reload_unavailable', 'The config of this gateway is from no file')
const NO_WORKERS = new AdminProblem(
  501,
  'restart_unavailable',
  'This gateway has one process, which nothing can replace (workers: 2 or more)',
)

/** A problem with what became of it. */
export function sendFailed(
  reply: FastifyReply,
  status: number,
  code: string,
  title: string,
  more: object,
): FastifyReply {
  return reply
    .code(status)
    .header('x-tollgate', code)
    .type('application/problem+json')
    .send(JSON.stringify({ type: `urn:tollgate:${code}`, title, status, code, ...more }))
}

function sendOutcome(reply: FastifyReply, outcome: Reloaded | Restarted): FastifyReply {
  void reply.header('cache-control', 'no-store')
  if (!outcome.ok) {
    const title = 'The config cannot be used: the last one still serves'
    return sendFailed(reply, 422, 'config_invalid', title, { reloaded: false, problems: outcome.problems })
  }
  const { ok: reloaded, ...told } = outcome
  if (!('stopped' in told)) return reply.send({ reloaded, ...told })
  const { stopped, ...rest } = told
  const title = 'Not all workers could be replaced: the others go on as they are'
  return sendFailed(reply, 500, 'restart_stopped', title, { reloaded, ...rest, problems: [stopped] })
}

/** What is wrong with the file goes to whoever has the admin token, in the words of `tollgate check`: no secret is in them. */
export function addReloadRoute(app: FastifyInstance, { reload, restart, token, log }: AdminReloadParts): void {
  const onRequest = createAdminGuard(token, (client) => {
    log.warn({ client }, 'admin request refused: no or wrong admin token')
  })
  app.post<{ Querystring: { restart?: string } }>('/api/reload', { onRequest }, async ({ query }, reply) => {
    if (query.restart === 'true')
      return restart === undefined
        ? sendProblem(reply, NO_WORKERS)
        : sendOutcome(reply, await restart('POST /api/reload?restart=true'))
    if (reload === undefined) return sendProblem(reply, NOT_HERE)
    return sendOutcome(reply, await reload('POST /api/reload'))
  })
}
