// Tokens made by jose, which is not what the gateway verifies with: an independent second opinion.
import { createHmac } from 'node:crypto'

import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose'

export const ISSUER = 'https://issuer.example.com/'
export const SECRET = 'a-secret-of-at-least-sixty-four-bytes-so-that-HS512-takes-it-as-well-000'

export interface Signer {
  readonly alg: string
  readonly kid: string
  readonly jwk: JWK
  readonly pem: string
  sign(claims?: ClaimChanges, header?: Record<string, unknown>): Promise<string>
}

export function nowSec(): number {
  return Math.floor(Date.now() / 1000)
}

/** Claims to change; undefined removes one. */
export type ClaimChanges = { readonly [name in keyof JWTPayload]?: JWTPayload[name] | undefined }

/** Claims of a good token; those given replace or, when undefined, remove them. */
export function goodClaims(changes: ClaimChanges = {}): JWTPayload {
  const claims: ClaimChanges = { iss: ISSUER, sub: 'alice', aud: 'api', iat: nowSec(), exp: nowSec() + 600, ...changes }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

export async function createSigner(
  alg: string,
  kid = `${alg}-key`,
  options: { crv?: string; modulusLength?: number } = {},
): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true, ...options })
  return {
    alg,
    kid,
    jwk: { ...(await exportJWK(publicKey)), kid },
    pem: await exportSPKI(publicKey),
    sign: (claims = {}, header = {}) =>
      new SignJWT(goodClaims(claims)).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  }
}

export function signHmac(
  claims: ClaimChanges = {},
  header: Record<string, unknown> = {},
  secret: string | Uint8Array = SECRET,
): Promise<string> {
  const key = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  return new SignJWT(goodClaims(claims)).setProtectedHeader({ alg: 'HS256', ...header }).sign(key)
}

/** A token with exactly these texts as header and payload, signed with HMAC: for what no library would sign. */
export function signText(header: string, payload: string | Buffer, secret: string | Buffer = SECRET): string {
  const input = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** The issuer of most tests: HS256 with SECRET. */
export function hmacIssuer(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'main',
    issuer: ISSUER,
    audiences: ['api'],
    algorithms: ['HS256'],
    keys: { secret: { value: SECRET } },
    clockTolerance: '0s',
    ...changes,
  }
}
