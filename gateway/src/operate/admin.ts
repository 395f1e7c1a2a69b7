// The admin listener: is the process alive, is it ready, and what has it counted?
import { fastify, type FastifyInstance } from 'fastify'

import type { Metrics } from './metrics.ts'

export interface NotReady {
  readonly part: string
  readonly reason: string
}

/** Why the gateway is not ready; an empty list when it is. */
export type Readiness = () => readonly NotReady[]

export interface AdminParts {
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>
  readonly readiness: () => readonly NotReady[] | Promise<readonly NotReady[]>
  readonly version: string
}

export function buildAdmin({ metrics, readiness, version }: AdminParts): FastifyInstance {
  const app = fastify({ logger: false, forceCloseConnections: true })

  app.get('/livez', (_request, reply) => reply.send({ alive: true }))
  app.get('/readyz', async (_request, reply) => {
    const notReady = await readiness()
    return reply.code(notReady.length === 0 ? 200 : 503).send({ ready: notReady.length === 0, notReady })
  })
  app.get('/version', (_request, reply) => reply.send({ version, node: process.version }))
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  return app
}
