// The ways to verify a token that are compared. Each takes a raw token and says whether it is good.
import { createHmac, timingSafeEqual, verify as cryptoVerify } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { jwtVerify } from 'jose'
import { createAuthenticator, type Authenticator } from 'tollgate/authenticate/authenticate.js'
import { compileIssuers, type TrustedIssuer } from 'tollgate/authenticate/issuers.js'
import { compileRequirement } from 'tollgate/authorize/authorize.js'
import { systemClock } from 'tollgate/clock.js'
import { Failure } from 'tollgate/failure.js'
import { createIdentityEncoder } from 'tollgate/forward/headers/identity-headers.js'
import { createBlockList } from 'tollgate/revoke/list/memory-list.js'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ISSUER, SECRET, type BenchKeys } from './keys-and-tokens.ts'

export interface Candidate {
  readonly name: string
  readonly check: (token: string) => boolean | Promise<boolean>
  readonly ours: boolean
}

export function compileIssuer({ algorithm, publicPem }: BenchKeys): readonly TrustedIssuer[] {
  const pemFile = join(mkdtempSync(join(tmpdir(), 'tollgate-bench-')), 'key.pem')
  if (publicPem !== undefined) writeFileSync(pemFile, publicPem)
  const keys = {
    ...(publicPem === undefined ? { secret: { value: SECRET, encoding: 'utf8' as const } } : { pemFile }),
    ...{ allowHttp: false, maxAge: 300_000, maxStale: 86_400_000, cooldown: 30_000, timeout: 5000 },
  }
  const issuer = {
    name: 'bench',
    issuer: ISSUER,
    audiences: ['api'],
    algorithms: [algorithm],
    keys,
    weakKeys: 'refuse' as const,
    clockTolerance: 60_000,
    requiredClaims: ['exp'],
    binding: 'refuse' as const,
  }
  const ignore = () => undefined
  return compileIssuers([issuer], {
    fetchJson: () => Promise.reject(new Error('nothing is fetched')),
    clock: systemClock,
    schedule: () => ignore,
    random: Math.random,
    events: { onKeysChanged: ignore, onKeysFailed: ignore },
  })
}

const DEFAULT_BYTES = 128 * 2 ** 20
/** Keeps a dozen tokens ready. */
const FEW_BYTES = 20_000

const AUTH_RESULT = { header: 'x-auth-result', format: 'result', pad: false, maxBytes: 7168 } as const
const IDENTITY = { authResult: AUTH_RESULT, routes: [], upstreams: {} }

function createOurs(maxTokens: number, maxBytes = DEFAULT_BYTES): Authenticator {
  return createAuthenticator({
    blockList: createBlockList(),
    maxTokenBytes: 8192,
    cache: { maxTokens, maxBytes, maxAge: 600_000 },
    clock: systemClock,
    encodeResult: createIdentityEncoder(IDENTITY, () => undefined).encodeResult,
  })
}

function rawCheck({ algorithm, verifyKey }: BenchKeys): (token: string) => boolean {
  const hash = algorithm === 'EdDSA' ? null : 'sha256'
  const key = algorithm === 'ES256' ? ({ key: verifyKey, dsaEncoding: 'ieee-p1363' } as const) : verifyKey
  return (token) => {
    const end = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    if (algorithm === 'HS256')
      return timingSafeEqual(createHmac('sha256', verifyKey).update(token.slice(0, end)).digest(), signature)
    return cryptoVerify(hash, Buffer.from(token.slice(0, end), 'latin1'), key, signature)
  }
}

function answers(verify: (token: string) => unknown): (token: string) => boolean {
  return (token) => {
    try {
      return verify(token) !== undefined
    } catch {
      return false
    }
  }
}

/** A hit, and what a route commonly asks: a scope and a role. */
function authorized(authenticator: Authenticator, issuers: readonly TrustedIssuer[]): (token: string) => boolean {
  const requirement = compileRequirement({
    scopes: { all: ['things:read'] },
    claims: { '/roles': { contains: 'writer' } },
  })
  return (token) => {
    const caller = authenticator.authenticate(token, issuers)
    return !(caller instanceof Failure) && requirement(caller) === undefined
  }
}

function joseCheck({ algorithm, verifyKey }: BenchKeys): (token: string) => Promise<boolean> {
  const options = { algorithms: [algorithm], issuer: ISSUER, audience: 'api' }
  return (token) =>
    jwtVerify(token, verifyKey, options).then(
      () => true,
      () => false,
    )
}

export function createCandidates(keys: BenchKeys): readonly Candidate[] {
  const { algorithm, publicPem } = keys
  const issuers = compileIssuer(keys)
  // Ten are forgotten before one of a thousand comes again. A cache of one would empty its map for each token: 0.4 us that no gateway pays.
  const [hit, miss] = [createOurs(100_000), createOurs(10)]
  // A thousand tokens in turn are more than these keep ready: one remembers the signatures of all, one of less than all.
  const [reread, forgotten] = [createOurs(100_000, FEW_BYTES), createOurs(100, FEW_BYTES)]
  const key = publicPem ?? SECRET
  const ours = (authenticator: Authenticator) => (token: string) =>
    !(authenticator.authenticate(token, issuers) instanceof Failure)
  return [
    { name: 'making the string', check: (token) => token.length > 0, ours: false },
    { name: 'Tollgate, hit', check: ours(hit), ours: true },
    { name: 'Tollgate, hit, with scopes and claims', check: authorized(hit, issuers), ours: true },
    { name: 'Tollgate, hit, not kept ready', check: ours(reread), ours: true },
    {
      name: 'fast-jwt’s cache, hit',
      check: answers(createVerifier({ key, algorithms: [algorithm], cache: 10_000 })),
      ours: false,
    },
    { name: 'raw crypto', check: rawCheck(keys), ours: false },
    { name: 'Tollgate, miss', check: ours(miss), ours: true },
    { name: 'Tollgate, miss, not kept ready', check: ours(forgotten), ours: true },
    {
      name: 'fast-jwt, no cache',
      check: answers(createVerifier({ key, algorithms: [algorithm], cache: false })),
      ours: false,
    },
    { name: 'jose', check: joseCheck(keys), ours: false },
  ]
}
