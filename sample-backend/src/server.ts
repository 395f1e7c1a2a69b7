// The sample backend, wired on one screen: an API that is told who calls, a login server, and a page that shows both.
import { fastify, type FastifyInstance } from 'fastify'

import { echo } from './api/echo.ts'
import { addSlow } from './api/slow.ts'
import { addStream } from './api/stream.ts'
import { addThings } from './api/things.ts'
import { systemClock, systemPause, type Clock, type Pause } from './clock.ts'
import { createLeaveSignals } from './leave-signals.ts'
import { createRequestLog, type LogStream } from './log.ts'
import { addDiscovery } from './login/discovery.ts'
import { loadSigningKey } from './login/key-store.ts'
import { login } from './login/login.ts'
import { createPasswordCheck } from './login/password.ts'
import { addRenew } from './login/renew.ts'
import { createTokenIssuer } from './login/token-issuer.ts'
import { createTries, DEFAULT_TRY_LIMITS, type TryLimits } from './login/tries.ts'
import { loadUsers } from './login/users.ts'
import { addPage } from './page/page.ts'
import { addProblemAnswers } from './problem.ts'
import { createTrustedProxy } from './trusted-proxy.ts'

export interface SampleBackendOptions {
  /** Becomes `iss`, character for character. */
  readonly issuer: string
  readonly audience: string
  /** Where the page should be opened. */
  readonly gatewayUrl: string
  readonly tokenLifetimeMs: number
  /** Where the signing key is kept; made when it is not there. */
  readonly keysDirectory: string
  readonly usersFile: string
  /** Addresses and networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  readonly tryLimits?: TryLimits
  readonly clock?: Clock
  readonly pause?: Pause
  /** Where a JSON line per event goes; false: nowhere. Default: stdout. */
  readonly log?: LogStream | false
}

/** Ready to listen. Throws a StartupError for a users file, key file or option that cannot be used. */
export async function buildSampleBackend(options: SampleBackendOptions): Promise<FastifyInstance> {
  const { issuer, clock = systemClock, pause = systemPause, tryLimits = DEFAULT_TRY_LIMITS } = options
  const [signingKey, users] = await Promise.all([loadSigningKey(options.keysDirectory), loadUsers(options.usersFile)])
  const scopes = [...new Set([...users.values()].flatMap((user) => user.scopes))]

  const app = fastify({
    logger: createRequestLog(options.log),
    // The gateway's id, so that its log lines and ours can be put side by side.
    requestIdHeader: 'x-request-id',
    trustProxy: createTrustedProxy(options.trustedProxies),
    bodyLimit: 64 * 1024,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  })
  app.removeContentTypeParser('text/plain')
  const leaveSignals = createLeaveSignals(app)
  addProblemAnswers(app)

  app.get('/healthz', () => ({ status: 'ok' }))
  addThings(app, { clock })
  addSlow(app, { pause, leaveSignals })
  addStream(app, { clock, pause, leaveSignals })
  await app.register(echo)

  const tokens = createTokenIssuer({ ...options, signingKey, clock })
  await app.register(login, {
    checkPassword: await createPasswordCheck(users),
    issueToken: tokens.issue,
    tries: createTries(tryLimits),
  })
  addRenew(app, { ...options, publicPem: signingKey.publicPem, continueSession: tokens.continueSession, clock })
  addDiscovery(app, { issuer, publicJwk: signingKey.publicJwk, scopes })
  await addPage(app, options)
  return app
}
