// What a gateway needs to trust this login server: its public keys, and where things are (OpenID Connect Discovery 1.0).
import type { FastifyInstance } from 'fastify'

import type { PublicJwk } from './public-jwk.ts'

export interface DiscoveryOptions {
  readonly issuer: string
  readonly publicJwk: PublicJwk
  readonly scopes: readonly string[]
}

const CACHE_CONTROL = 'public, max-age=300'

export function addDiscovery(app: FastifyInstance, { issuer, publicJwk, scopes }: DiscoveryOptions): void {
  const base = issuer.replace(/\/$/, '')
  const keySet = { keys: [publicJwk] }
  const metadata = {
    issuer,
    jwks_uri: `${base}/.well-known/jwks.json`,
    token_endpoint: `${base}/login`,
    token_endpoint_auth_methods_supported: ['none'],
    grant_types_supported: ['password'],
    response_types_supported: ['token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    scopes_supported: scopes,
    claims_supported: [
      'iss',
      'aud',
      'sub',
      'client_id',
      'iat',
      'exp',
      'jti',
      'auth_time',
      'scope',
      'sid',
      'renewed_from',
    ],
  }

  app.get('/.well-known/jwks.json', (_request, reply) => {
    return reply.header('cache-control', CACHE_CONTROL).type('application/jwk-set+json').send(keySet)
  })
  app.get('/.well-known/openid-configuration', (_request, reply) => {
    return reply.header('cache-control', CACHE_CONTROL).send(metadata)
  })
}
