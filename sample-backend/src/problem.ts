// Every refusal of this server as application/problem+json (RFC 9457).
import { STATUS_CODES } from 'node:http'

import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'

export interface Problem {
  readonly status: number
  /** For programs. Also the last part of `type`. */
  readonly code: string
  /** For people. */
  readonly title: string
}

export function sendProblem(reply: FastifyReply, { status, code, title }: Problem): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: `urn:tollgate-sample:${code}`, title, status, code })
}

/** Answers for what Fastify refuses, for paths that do not exist, and for our own mistakes. */
export function addProblemAnswers(app: FastifyInstance): void {
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, { status: 404, code: 'not_found', title: 'There is nothing here' }),
  )

  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.validation !== undefined) {
      return sendProblem(reply, { status: 400, code: 'request_invalid', title: error.message })
    }
    const status = error.statusCode ?? 500
    if (status < 500) {
      return sendProblem(reply, { status, code: 'request_invalid', title: STATUS_CODES[status] ?? 'Bad Request' })
    }
    request.log.error({ err: error }, 'request failed')
    return sendProblem(reply, { status, code: 'internal_error', title: 'Something went wrong here' })
  })
}
