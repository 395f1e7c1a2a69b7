// The admin listener: is the process alive, is it ready, what has it counted, and what is blocked?
import { fastify, type FastifyInstance } from 'fastify'

import { answerProblems } from './admin-problem.ts'
import { addRevocationRoutes, type AdminRevocationsParts } from './admin-revocations.ts'
import type { Metrics } from '../../observe/metrics/metrics.ts'
import type { NotReady, Readiness } from '../../observe/readiness.ts'

export interface AdminParts extends AdminRevocationsParts {
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>
  readonly readiness: () => readonly NotReady[] | Promise<readonly NotReady[]>
  readonly degraded: Readiness
  readonly version: string
}

const MAX_ID_LENGTH = 16_384

export function buildAdmin(parts: AdminParts): FastifyInstance {
  const { metrics, readiness, degraded, version, log } = parts
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: MAX_ID_LENGTH },
  }) as FastifyInstance
  answerProblems(app, (error) => {
    log.error({ error }, 'the admin listener failed')
  })

  app.get('/livez', (_request, reply) => reply.send({ alive: true }))
  app.get('/readyz', async (_request, reply) => {
    const notReady = await readiness()
    return reply
      .code(notReady.length === 0 ? 200 : 503)
      .send({ ready: notReady.length === 0, notReady, degraded: degraded() })
  })
  app.get('/version', (_request, reply) => reply.send({ version, node: process.version }))
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  addRevocationRoutes(app, parts)
  return app
}
