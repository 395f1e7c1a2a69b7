// Keys and a thousand distinct tokens of each algorithm, as an API would see them in a minute.
import { generateKeyPairSync, createSecretKey, type KeyObject } from 'node:crypto'
import { createSigner } from 'fast-jwt'

export type BenchAlgorithm = 'HS256' | 'RS256' | 'ES256' | 'EdDSA'
export const ALGORITHMS: readonly BenchAlgorithm[] = ['HS256', 'RS256', 'ES256', 'EdDSA']

export const SECRET = 'a-secret-for-benches-of-forty-characters'
export const ISSUER = 'https://issuer.example.com/'

type Sign = (claims: Record<string, unknown>) => string

export interface BenchKeys {
  readonly algorithm: BenchAlgorithm
  readonly verifyKey: KeyObject
  /** For configs: PEM of the public key, undefined for HS256. */
  readonly publicPem: string | undefined
  readonly issuer: string
  sign(claims: Record<string, unknown>): string
}

function keyPair(algorithm: BenchAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return algorithm === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
}

export function createKeys(algorithm: BenchAlgorithm, issuer = ISSUER): BenchKeys {
  if (algorithm === 'HS256') {
    return {
      algorithm,
      issuer,
      verifyKey: createSecretKey(SECRET, 'utf8'),
      publicPem: undefined,
      sign: createSigner({ key: SECRET, algorithm }) satisfies Sign,
    }
  }
  const { publicKey, privateKey } = keyPair(algorithm)
  const sign = createSigner({
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    algorithm,
  }) satisfies Sign
  return {
    algorithm,
    issuer,
    verifyKey: publicKey,
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign,
  }
}

/** Claims like those of a real login. `index` makes the token one of its kind. */
export function claimsOf(index: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const nowSec = Math.floor(Date.now() / 1000)
  return {
    iss: ISSUER,
    sub: `user-${index}`,
    aud: 'api',
    iat: nowSec - 10,
    exp: nowSec + 86_400,
    jti: `${index}-${Math.random().toString(36).slice(2)}`,
    name: `User Name ${index}`,
    email: `user${index}@example.com`,
    roles: ['reader', 'writer'],
    scope: 'things:read things:write',
    ...changes,
  }
}

export function createTokens(keys: BenchKeys, count: number, changes: Record<string, unknown> = {}): string[] {
  return Array.from({ length: count }, (_, index) => keys.sign(claimsOf(index, { iss: keys.issuer, ...changes })))
}

/** The same header and payload with another signature. */
export function forge(token: string): string {
  const start = token.lastIndexOf('.') + 1
  const signature = Buffer.from(token.slice(start), 'base64url')
  signature[5] = (signature[5] ?? 0) ^ 0xff
  return token.slice(0, start) + signature.toString('base64url')
}
