// Verifies the token in which Tollgate asserts who is calling. Copy this file into your own service: it needs Node alone.
import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto'

/** What the gateway has signed. */
export interface Assertion {
  readonly iss: string
  /** This service. */
  readonly aud: string
  /** Absent when the token of the caller has no `sub`. */
  readonly sub?: string
  /** The same with its issuer: two issuers may know different people by one `sub` (RFC 9493). */
  readonly sub_id?: { readonly format: 'iss_sub'; readonly iss: string; readonly sub: string }
  readonly iat: number
  readonly exp: number
  /** The same for all calls with one token. */
  readonly txn: string
  /** Who acts for the subject (RFC 8693). */
  readonly act?: Readonly<Record<string, unknown>>
  readonly [claim: string]: unknown
}

export type Asserted =
  | { readonly ok: true; readonly assertion: Assertion }
  | {
      readonly ok: false
      readonly reason: 'missing' | 'malformed' | 'key_unknown' | 'signature' | 'claims' | 'expired'
    }

export interface AssertionOptions {
  /** `assertion.issuer` of the gateway. */
  readonly issuer: string
  /** The name of this service: what `assertion.audiences` says of it, else the name of its upstream. */
  readonly audience: string
  /** Where the gateway publishes its keys: `assertion.jwksPath`. */
  readonly jwksUrl: string
  readonly fetchKeys?: (url: string) => Promise<unknown>
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

interface Key {
  readonly alg: string
  readonly key: KeyObject
}

const TYPE = 'assertion+jwt'
/** Clocks differ. */
const TOLERANCE_SEC = 5
/** A key that was withdrawn is not believed for longer, and keys that are invented cause no more fetches than that. */
const KEYS_LAST_MS = 300_000
const LEAST_BETWEEN_FETCHES_MS = 10_000

async function fetchJson(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000), redirect: 'error' })
  if (!response.ok) throw new Error(`the keys of the gateway were answered ${response.status}`)
  return response.json()
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(part: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Of EdDSA and ES256 alone: the key says which one, never the token. */
function readKeys(document: unknown): ReadonlyMap<string, Key> {
  const list: readonly unknown[] = isObject(document) && Array.isArray(document['keys']) ? document['keys'] : []
  return new Map(
    list.filter(isObject).flatMap((jwk): [string, Key][] => {
      const { kid, alg } = jwk
      if (typeof kid !== 'string' || (alg !== 'EdDSA' && alg !== 'ES256')) return []
      return [[kid, { alg, key: createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }) }]]
    }),
  )
}

function isSigned({ alg, key }: Key, signed: string, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64url')
  const data = Buffer.from(signed, 'latin1')
  return alg === 'ES256'
    ? verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, bytes)
    : verify(null, data, key, bytes)
}

/** Returns the function that verifies the value of `x-assertion`. Rejects only when the keys cannot be had: answer 503 then. */
export function createAssertionVerifier({
  issuer,
  audience,
  jwksUrl,
  fetchKeys = fetchJson,
  now = Date.now,
}: AssertionOptions): (header: string | readonly string[] | undefined) => Promise<Asserted> {
  let keys: ReadonlyMap<string, Key> = new Map()
  let fetchedAtMs = -Infinity
  let fetching: Promise<void> | undefined

  function refresh(): Promise<void> {
    fetching ??= fetchKeys(jwksUrl)
      .then((document) => {
        keys = readKeys(document)
        fetchedAtMs = now()
      })
      .finally(() => {
        fetching = undefined
      })
    return fetching
  }

  async function keyOf(kid: unknown): Promise<Key | undefined> {
    if (typeof kid !== 'string') return undefined
    const ageMs = now() - fetchedAtMs
    if (ageMs > KEYS_LAST_MS || (!keys.has(kid) && ageMs > LEAST_BETWEEN_FETCHES_MS)) await refresh()
    return keys.get(kid)
  }

  return async (header) => {
    if (header === undefined) return { ok: false, reason: 'missing' }
    const [head, payload, signature, ...more] = typeof header === 'string' ? header.split('.') : []
    const [typed, claims] = [parse(head), parse(payload)]
    if (typed === undefined || claims === undefined || signature === undefined || more.length > 0)
      return { ok: false, reason: 'malformed' }
    const key = await keyOf(typed['kid'])
    if (key === undefined) return { ok: false, reason: 'key_unknown' }
    if (typed['alg'] !== key.alg || typed['typ'] !== TYPE || typed['crit'] !== undefined)
      return { ok: false, reason: 'malformed' }
    if (!isSigned(key, `${head}.${payload}`, signature)) return { ok: false, reason: 'signature' }
    const { iss, aud, iat, exp } = claims
    if (iss !== issuer || aud !== audience || typeof iat !== 'number' || typeof exp !== 'number')
      return { ok: false, reason: 'claims' }
    const nowSec = now() / 1000
    if (nowSec >= exp + TOLERANCE_SEC || nowSec < iat - TOLERANCE_SEC) return { ok: false, reason: 'expired' }
    return { ok: true, assertion: claims as unknown as Assertion }
  }
}
