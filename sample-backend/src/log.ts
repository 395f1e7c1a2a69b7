// What is logged of a request: never its headers, body or query, where tokens and passwords end up.
import type { FastifyRequest } from 'fastify'

export interface LogStream {
  write(line: string): void
}

/** Fastify's `logger` option. */
export function createRequestLog(stream: LogStream | false = process.stdout) {
  if (stream === false) return false
  const req = (request: FastifyRequest) => ({
    method: request.method,
    path: request.url.split('?', 1)[0],
    address: request.ip,
  })
  return { stream, serializers: { req } }
}
