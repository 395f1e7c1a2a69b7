// POST /renew: the next token of the same session for one that is good. The gateway asks; the page never has to.
import { createHash } from 'node:crypto'

import type { FastifyInstance } from 'fastify'
import { createVerifier } from 'fast-jwt'

import type { Clock } from '../clock.ts'
import { sendProblem } from '../problem.ts'
import type { IssuedToken, SessionClaims } from './token-issuer.ts'

export interface RenewOptions {
  readonly publicPem: string
  readonly issuer: string
  readonly audience: string
  readonly continueSession: (claims: SessionClaims) => IssuedToken
  readonly clock: Clock
}

const MAX_REMEMBERED = 10_000
/** As much as the gateway's clockTolerance: what passes there may be renewed here. */
const TOLERANCE_MS = 60_000

/** What names a token: a digest of what was signed, as the gateway has it. */
function tokenIdOf(token: string): string {
  return createHash('sha256')
    .update(token.slice(0, token.lastIndexOf('.')))
    .digest('base64url')
}

export function addRenew(app: FastifyInstance, options: RenewOptions): void {
  const { continueSession, clock, issuer, audience, publicPem } = options
  const verify = createVerifier({
    key: publicPem,
    algorithms: ['ES256'],
    allowedIss: issuer,
    allowedAud: audience,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
  // The same answer to the same token, whoever asks and how often: one that was lost costs nobody a session.
  const answers = new Map<string, IssuedToken>()

  function read(token: string): SessionClaims | undefined {
    try {
      const claims = verify(token) as SessionClaims
      return clock.now() < claims.exp * 1000 + TOLERANCE_MS ? claims : undefined
    } catch {
      return undefined
    }
  }

  app.post('/renew', (request, reply) => {
    reply.header('cache-control', 'no-store')
    const token = /^Bearer +([\w.-]+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const claims = read(token)
    if (claims === undefined) {
      reply.header('www-authenticate', 'Bearer realm="login", error="invalid_token"')
      return sendProblem(reply, { status: 401, code: 'token_invalid', title: 'This token cannot be renewed' })
    }
    const tokenId = tokenIdOf(token)
    const issued =
      answers.get(tokenId) ?? continueSession({ ...claims, sid: claims.sid ?? tokenId, renewed_from: tokenId })
    if (answers.size >= MAX_REMEMBERED) answers.delete(answers.keys().next().value ?? '')
    answers.set(tokenId, issued)
    return reply.send({ access_token: issued.token, token_type: 'Bearer', expires_in: issued.expiresInSec })
  })
}
