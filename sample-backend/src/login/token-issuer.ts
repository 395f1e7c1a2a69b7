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

/** The claims of a token that go on in the next one, and what makes it the next. */
export interface SessionClaims {
  readonly exp: number
  readonly sid?: string
  readonly renewed_from?: string
  readonly [name: string]: unknown
}

export interface TokenIssuer {
  readonly issue: (user: User) => IssuedToken
  /** The next token of the session that these claims are from: auth_time stays what it was. */
  readonly continueSession: (claims: SessionClaims) => IssuedToken
}

export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  const { signingKey, issuer, audience, clock } = options
  const expiresInSec = Math.floor(options.tokenLifetimeMs / 1000)
  const sign = createSigner({
    key: signingKey.privatePem,
    algorithm: 'ES256',
    kid: signingKey.publicJwk.kid,
    // RFC 9068 section 2.1: a type of its own, so that no ID token is taken for an access token.
    header: { alg: 'ES256', typ: 'at+jwt' },
  })

  function issue(claims: object): IssuedToken {
    const nowSec = Math.floor(clock.now() / 1000)
    const token = sign({ ...claims, iat: nowSec, exp: nowSec + expiresInSec, jti: randomUUID() })
    return { token, expiresInSec }
  }

  return {
    continueSession: issue,
    issue: (user) =>
      issue({
        // First, so that nothing from the users file can replace a registered claim.
        ...user.claims,
        iss: issuer,
        aud: audience,
        sub: user.name,
        // Required by RFC 9068 section 2.2; the page is the only client there is.
        client_id: 'sample-page',
        auth_time: Math.floor(clock.now() / 1000),
        scope: user.scopes.join(' '),
      }),
  }
}
