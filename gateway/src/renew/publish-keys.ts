// Publishes the public halves of signing keys on the proxy listener, so that other services can verify successors.
import type { FastifyInstance } from 'fastify'

export interface PublishedKey {
  readonly path: string
  readonly key: object
}

/** A JWK set (RFC 7517 section 5) for each path. Verifiers may keep it for a while: a key does not change while we run. */
export function publishKeys(app: FastifyInstance, keys: readonly PublishedKey[]): void {
  for (const path of new Set(keys.map((key) => key.path))) {
    const body = JSON.stringify({ keys: keys.filter((key) => key.path === path).map(({ key }) => key) })
    app.route({
      method: ['GET', 'HEAD'],
      url: path,
      handler: (request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200, [
          ...['content-type', 'application/jwk-set+json', 'content-length', String(Buffer.byteLength(body))],
          ...['cache-control', 'public, max-age=300', 'x-tollgate', 'renewal_keys', 'x-request-id', request.id],
        ])
        reply.raw.end(request.raw.method === 'HEAD' ? undefined : body)
      },
    })
  }
}
