// Makes the access tokens (RFC 9068, the JWT profile for OAuth 2.0 access tokens).
import { randomUUID } from 'node:crypto'

import { createSigner } from 'fast-jwt'

import type { Clock } from '../clock.ts'
import type { SigningKey } from './key-store.ts'
import type { User } from './users.ts'

export interface TokenIssuerOptions {
  readonly signingKey: SigningKey
  readonly issuer: string
  readonly audience: string
  readonly tokenLifetimeMs: number
  readonly clock: Clock
}

export interface IssuedToken {
  readonly token: string
  readonly expiresInSec: number
}

export function createTokenIssuer(options: TokenIssuerOptions): (user: User) => IssuedToken {
  const { signingKey, issuer, audience, clock } = options
  const expiresInSec = Math.floor(options.tokenLifetimeMs / 1000)
  const sign = createSigner({
    key: signingKey.privatePem,
    algorithm: 'ES256',
    kid: signingKey.publicJwk.kid,
    // RFC 9068 section 2.1: a type of its own, so that no ID token is taken for an access token.
    header: { alg: 'ES256', typ: 'at+jwt' },
  })

  return (user) => {
    const nowSec = Math.floor(clock.now() / 1000)
    const token = sign({
      // First, so that nothing from the users file can replace a registered claim.
      ...user.claims,
      iss: issuer,
      aud: audience,
      sub: user.name,
      // Required by RFC 9068 section 2.2; the page is the only client there is.
      client_id: 'sample-page',
      iat: nowSec,
      exp: nowSec + expiresInSec,
      jti: randomUUID(),
      auth_time: nowSec,
      scope: user.scopes.join(' '),
    })
    return { token, expiresInSec }
  }
}
