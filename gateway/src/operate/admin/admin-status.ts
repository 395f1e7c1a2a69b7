// The admin API that tells what runs: the config, its routes, its upstreams and its keys. All of it needs the admin token.
import type { FastifyInstance } from 'fastify'

import { AdminProblem, sendProblem } from './admin-problem.ts'
import { createAdminGuard, type AdminToken } from './admin-token.ts'
import { showConfig } from '../../config/shown-config.ts'
import type { Log } from '../../observe/log.ts'
import type { GatewayStatus } from '../../observe/status.ts'
import type { Config } from '../../options/config.ts'

export interface RunningConfig {
  readonly config: Config
  /** By the wall clock. */
  readonly loadedAtMs: number
}

export interface AdminStatusParts {
  readonly running: () => RunningConfig
  /** By worker, from 1; undefined for one that does not tell. */
  readonly statusOfWorkers: () => Promise<readonly (GatewayStatus | undefined)[]>
  readonly token: AdminToken
  readonly log: Log
}

const NOBODY = new AdminProblem(503, 'status_unavailable', 'No worker is there who could tell')

/** Paths that the gateway answers with keys of its own. */
function publishedPaths({ issuers, assertion }: Config) {
  const ofAssertions =
    assertion?.jwksPath === undefined ? [] : [{ path: assertion.jwksPath, auth: 'none', publishesKeysOf: 'assertion' }]
  const ofIssuers = issuers.flatMap(({ name, renewal }) =>
    renewal?.jwksPath === undefined ? [] : [{ path: renewal.jwksPath, auth: 'none', publishesKeysOf: name }],
  )
  return [...ofIssuers, ...ofAssertions]
}

export function addStatusRoutes(
  app: FastifyInstance,
  { running, statusOfWorkers, token, log }: AdminStatusParts,
): void {
  const onRequest = createAdminGuard(token, (client) => {
    log.warn({ client }, 'admin request refused: no or wrong admin token')
  })

  app.get('/api/config', { onRequest }, (_request, reply) => {
    const { config, loadedAtMs } = running()
    const { digest, config: shown } = showConfig(config)
    const loadedAt = new Date(loadedAtMs).toISOString()
    return reply.header('cache-control', 'no-store').send({ digest, loadedAt, config: shown })
  })
  app.get('/api/routes', { onRequest }, (_request, reply) => {
    const { config } = running()
    const { digest, config: shown } = showConfig(config)
    const routes = [...(shown['routes'] as readonly object[]), ...publishedPaths(config)]
    return reply.header('cache-control', 'no-store').send({ digest, routes })
  })

  /** What each worker has of its own, in the same form for one and for many. */
  function addOfWorkers<Part extends keyof GatewayStatus>(path: string, part: Part): void {
    app.get(path, { onRequest }, async (_request, reply) => {
      const all = (await statusOfWorkers()).map((status, index) => ({ worker: index + 1, status }))
      const workers = all.flatMap(({ worker, status }) =>
        status === undefined ? [] : [{ worker, [part]: status[part] }],
      )
      if (workers.length === 0) return sendProblem(reply.header('retry-after', '1'), NOBODY)
      const missing = all.flatMap(({ worker, status }) => (status === undefined ? [worker] : []))
      return reply.header('cache-control', 'no-store').send({ workers, missing })
    })
  }
  addOfWorkers('/api/upstreams', 'upstreams')
  addOfWorkers('/api/keys', 'issuers')
}
