// Starts a sample backend for one test, with a key and a port of its own.
import { fileURLToPath } from 'node:url'

import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'

import { buildSampleBackend, type SampleBackendOptions } from '../../sample-backend/src/server.ts'

export const usersFile = fileURLToPath(new URL('../../sample-backend/users.yaml', import.meta.url))

/** Built with a fixed set of options, of which a test changes what it is about. Closed when the test ends. */
export async function buildForTest(t: Test, options: Partial<SampleBackendOptions> = {}): Promise<FastifyInstance> {
  const app = await buildSampleBackend({
    issuer: 'http://127.0.0.1:3001',
    audience: 'sample-api',
    gatewayUrl: 'http://127.0.0.1:8080',
    tokenLifetimeMs: 900_000,
    // Only when it is needed: it empties the directory that a test has made for itself.
    keysDirectory: options.keysDirectory ?? t.testdir({}),
    usersFile,
    trustedProxies: ['127.0.0.1'],
    log: false,
    ...options,
  })
  t.teardown(() => app.close())
  return app
}

/** Listens on a free port and resolves to the URL. */
export async function listen(app: FastifyInstance): Promise<string> {
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

/** The header as the gateway writes it. */
export function encodeAuthResult(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

export const aliceResult = {
  authenticated: true,
  issuer: 'sample',
  subject: 'alice',
  scopes: ['things:read', 'things:write'],
  expiresAt: 1_700_000_900,
  claims: { sub: 'alice', 'http://a.com': 'wonderland' },
}
