// Failures of the admin API as problem+json (RFC 9457), like those of the gateway itself.
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'

export class AdminProblem {
  readonly status: number
  readonly code: string
  readonly title: string

  constructor(status: number, code: string, title: string) {
    this.status = status
    this.code = code
    this.title = title
  }
}

export function sendProblem(reply: FastifyReply, { status, code, title }: AdminProblem): FastifyReply {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .header('x-tollgate', code)
    .type('application/problem+json')
    .send(JSON.stringify({ type: `urn:tollgate:${code}`, title, status, code }))
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What is said of a body that is larger than the route takes. */
    tooLarge?: string
  }
}

const BY_STATUS: Readonly<Record<number, readonly [code: string, title: string]>> = {
  400: ['body_invalid', 'The body is not valid JSON'],
  404: ['not_found', 'There is nothing at this address'],
  413: ['body_too_large', 'The body is too large'],
  415: ['body_invalid', 'The body must be application/json, or application/x-ndjson with an entry a line'],
}

/** What the framework refuses, in our words: its own may repeat what was sent. */
export function answerProblems(app: FastifyInstance, onError: (error: unknown) => void): void {
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, new AdminProblem(404, 'not_found', 'There is nothing at this address')),
  )
  app.setErrorHandler((error: FastifyError, { routeOptions: { config } }, reply) => {
    const status = error.statusCode ?? 500
    const [code, general] = BY_STATUS[status] ?? ['internal_error', 'The gateway failed']
    const title = status === 413 ? (config.tooLarge ?? general) : general
    if (status >= 500) onError(error)
    return sendProblem(reply, new AdminProblem(status, code, title))
  })
}
