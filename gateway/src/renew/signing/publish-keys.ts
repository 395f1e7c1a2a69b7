// Publishes the public keys of what the gateway signs, so that other services can verify it.
import type { GatewayResponse } from '../../message/client-exchange.ts'

export interface PublishedKey {
  readonly path: string
  readonly key: object
}

export interface PublishedKeySet {
  readonly path: string
  readonly answer: (response: GatewayResponse, requestId: string) => void
}

/** Creates a JWK set (RFC 7517 section 5) for each path. It is cacheable, because keys do not change while the process runs. */
export function publishedKeySets(
  keys: readonly PublishedKey[],
  label: 'renewal_keys' | 'assertion_keys',
): readonly PublishedKeySet[] {
  return [...new Set(keys.map(({ path }) => path))].map((path) => {
    const body = JSON.stringify({ keys: keys.filter((key) => key.path === path).map(({ key }) => key) })
    return {
      path,
      answer(response, requestId) {
        response.writeHead(200, [
          ...['content-type', 'application/jwk-set+json', 'content-length', String(Buffer.byteLength(body))],
          ...['cache-control', 'public, max-age=300', 'x-tollgate', label, 'x-request-id', requestId],
        ])
        // Node omits the body for HEAD.
        response.end(body)
      },
    }
  })
}
