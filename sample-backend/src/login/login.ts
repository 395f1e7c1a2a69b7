// POST /login: a user name and a password for an access token.
import type { FastifyPluginCallback } from 'fastify'

import { sendProblem, type Problem } from '../problem.ts'
import { acceptForms, readCredentials } from './credentials.ts'
import type { IssuedToken } from './token-issuer.ts'
import type { Tries } from './tries.ts'
import type { User } from './users.ts'

export interface LoginOptions {
  readonly checkPassword: (username: string, password: string) => Promise<User | undefined>
  readonly issueToken: (user: User) => IssuedToken
  readonly tries: Tries
}

const MAX_BODY_BYTES = 4096

const incomplete: Problem = { status: 400, code: 'request_invalid', title: 'A username and a password are needed' }
// One answer for an unknown user and a wrong password: the difference would be a list of our users.
const refused: Problem = { status: 401, code: 'credentials_wrong', title: 'The user name or the password is wrong' }
const tooMany: Problem = { status: 429, code: 'too_many_tries', title: 'Too many tries; please wait' }

/** A plugin of its own, so that only the login takes HTML forms. Names and passwords never enter the log. */
export const login: FastifyPluginCallback<LoginOptions> = (app, { checkPassword, issueToken, tries }, done) => {
  acceptForms(app)

  app.post('/login', { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
    // RFC 6749 section 5.1, for refusals as well.
    reply.header('cache-control', 'no-store')

    const credentials = readCredentials(request.body)
    if (credentials === undefined) return sendProblem(reply, incomplete)
    const { username, password } = credentials

    const waitSec = await tries.take(username, request.ip)
    if (waitSec !== undefined) return sendProblem(reply.header('retry-after', waitSec), tooMany)

    const user = await checkPassword(username, password)
    // RFC 9110 section 15.5.2 asks for a challenge. Basic would make browsers open their own dialogue.
    if (user === undefined) return sendProblem(reply.header('www-authenticate', 'Bearer realm="login"'), refused)

    await tries.forget(username, request.ip)
    const { token, expiresInSec } = issueToken(user)
    return { access_token: token, token_type: 'Bearer', expires_in: expiresInSec }
  })
  done()
}
