// The check of the admin token, for requests that change something.
import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

import { AdminProblem, sendProblem } from './admin-problem.ts'

const NO_TOKEN = new AdminProblem(
  403,
  'admin_token_not_configured',
  'This needs admin.token in the config; without one, nobody may do it',
)
const WRONG_TOKEN = new AdminProblem(
  401,
  'admin_token_invalid',
  'This needs Authorization: Bearer with the admin token',
)

/** Both as digests: the comparison takes the same time whatever was sent, and however long it is. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
}

/** The token of the config that serves now. */
export type AdminToken = () => string | undefined

/** A hook that lets nobody else pass. An empty token is none: an environment variable that is not set must open nothing. */
export function createAdminGuard(current: AdminToken, onRefused: (client: string) => void) {
  return function requireAdminToken(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const token = current()
    if (token === undefined || token === '') {
      sendProblem(reply, NO_TOKEN)
      return
    }
    const [, sent] = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
    if (sent !== undefined && isSame(sent, token)) {
      done()
      return
    }
    onRefused(request.ip)
    void reply.header('www-authenticate', 'Bearer realm="tollgate admin"')
    sendProblem(reply, WRONG_TOKEN)
  }
}
