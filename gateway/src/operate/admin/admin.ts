// The admin listener: liveness, readiness, metrics, what runs and how it is, the API of the block list, reloads and what they would change, and explanations.
import { fastify, type FastifyInstance } from 'fastify'

import { addDiffRoute, type AdminDiffParts } from './admin-diff.ts'
import { addExplainRoute, type AdminExplainParts } from './admin-explain.ts'
import { answerProblems } from './admin-problem.ts'
import { addReloadRoute, type AdminReloadParts } from './admin-reload.ts'
import { addRevocationRoutes, type AdminRevocationsParts } from './admin-revocations.ts'
import { addStatusRoutes, type AdminStatusParts } from './admin-status.ts'
import type { Metrics } from '../../observe/metrics/metrics.ts'
import type { Readiness, Told } from '../../observe/readiness/readiness.ts'

export interface AdminParts
  extends AdminRevocationsParts, AdminExplainParts, AdminStatusParts, AdminReloadParts, AdminDiffParts {
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>
  readonly readiness: () => Readiness | Promise<Readiness>
  readonly version: string
}

const MAX_ID_LENGTH = 16_384

function withoutTime({ part, reason }: Told): Omit<Told, 'since'> {
  return { part, ...(reason === undefined ? {} : { reason }) }
}

export function buildAdmin(parts: AdminParts): FastifyInstance {
  const { metrics, readiness, version, log } = parts
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: MAX_ID_LENGTH },
  }) as FastifyInstance
  // A text would be read as lines of JSON, and an empty one pass for a list of nothing.
  app.removeContentTypeParser('text/plain')
  answerProblems(app, (error) => {
    log.error({ error }, 'the admin listener failed')
  })

  app.get('/livez', (_request, reply) => reply.send({ alive: true }))
  app.get('/readyz', async (request, reply) => {
    const { notReady, degraded, ok } = await readiness()
    const ready = notReady.length === 0
    const body = Object.hasOwn(request.query as object, 'verbose')
      ? { ready, notReady, degraded, ok }
      : { ready, notReady: notReady.map(withoutTime), degraded: degraded.map(withoutTime) }
    return reply.code(ready ? 200 : 503).send(body)
  })
  app.get('/version', (_request, reply) => reply.send({ version, node: process.version }))
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  addRevocationRoutes(app, parts)
  addExplainRoute(app, parts)
  addStatusRoutes(app, parts)
  addReloadRoute(app, parts)
  addDiffRoute(app, parts)
  return app
}
