// Publishes the public halves of the signing keys, so that other services can verify successors.
import type { ServerResponse } from 'node:http'

export interface PublishedKey {
  readonly path: string
  readonly key: object
}

export interface PublishedKeySet {
  readonly path: string
  readonly answer: (response: ServerResponse, requestId: string) => void
}

/** A JWK set (RFC 7517 section 5) for each path. Verifiers may keep it for a while: a key does not change while we run. */
export function publishedKeySets(keys: readonly PublishedKey[]): readonly PublishedKeySet[] {
  return [...new Set(keys.map(({ path }) => path))].map((path) => {
    const body = JSON.stringify({ keys: keys.filter((key) => key.path === path).map(({ key }) => key) })
    return {
      path,
      answer(response, requestId) {
        response.writeHead(200, [
          ...['content-type', 'application/jwk-set+json', 'content-length', String(Buffer.byteLength(body))],
          ...['cache-control', 'public, max-age=300', 'x-tollgate', 'renewal_keys', 'x-request-id', requestId],
        ])
        // Node leaves the body of a response to HEAD away.
        response.end(body)
      },
    }
  })
}
