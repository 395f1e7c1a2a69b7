// Compiles key documents, PEM files and secrets to verification keys.
import { createHash, createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'

import { algorithmsOfKey, isCalled, isHmac, kindOf, weaknessOf } from './key-rules.ts'
import type { Algorithm } from '../../options/tokens.ts'
import { createSignatureCheck, type SignatureCheck } from './token-verifier.ts'

/** A key with one algorithm. `live` becomes false when the issuer withdraws the key, which ends all tokens of the key. */
export interface VerificationKey {
  /** Unique in this process. */
  readonly serial: number
  readonly kid: string | undefined
  /** Digest of key material, `kid` and algorithm: equal when the same key is loaded again. */
  readonly fingerprint: string
  readonly algorithm: Algorithm
  readonly isSignedBy: SignatureCheck
  live: boolean
}

/** The usable keys of one document, and remarks about the others. */
export interface KeySet {
  readonly keys: readonly VerificationKey[]
  /** A log line for each key that is skipped or weak, without key material. */
  readonly remarks: readonly string[]
}

/** Rules for the keys of an issuer. */
export interface KeyPolicy {
  readonly algorithms: readonly Algorithm[]
  readonly weakKeys: 'refuse' | 'warn'
  /** True for files: they may contain shared secrets (`oct`). A URL must not. */
  readonly allowSecrets: boolean
}

const MAX_KEYS = 100
const PEM_BEGIN = '-----BEGIN '
/** Values of `use` for signatures (RFC 7517 section 4.2), and `jwt-svid` of SPIFFE bundles (JWT-SVID section 4.2.2). */
const SIGNING_USES: ReadonlySet<unknown> = new Set(['sig', 'jwt-svid'])

let keysMade = 0

function describe(kid: string | undefined): string {
  return kid === undefined ? 'a key without kid' : `key ${JSON.stringify(kid.slice(0, 64))}`
}

function fingerprintOf(key: KeyObject, kid: string | undefined, algorithm: Algorithm): string {
  const material = key.type === 'secret' ? key.export() : key.export({ type: 'spki', format: 'der' })
  return createHash('sha256')
    .update(JSON.stringify([kid ?? null, algorithm]))
    .update(material)
    .digest('base64url')
}

/** Compiles a key: one verification key for each allowed algorithm that fits. */
function compileKey(key: KeyObject, kid: string | undefined, stated: unknown, policy: KeyPolicy): KeySet {
  const keys: VerificationKey[] = []
  const remarks: string[] = []
  const fitting = algorithmsOfKey(key).filter(
    (algorithm) =>
      policy.algorithms.some((allowed) => isCalled(algorithm, allowed)) &&
      (stated === undefined || isCalled(algorithm, stated)),
  )
  if (fitting.length === 0)
    remarks.push(`${describe(kid)} (${kindOf(key)}) fits none of the algorithms ${policy.algorithms.join(', ')}`)
  for (const algorithm of fitting) {
    const weakness = weaknessOf(key, algorithm)
    if (weakness !== undefined) {
      remarks.push(`${describe(kid)}: ${weakness}`)
      if (policy.weakKeys === 'refuse') continue
    }
    try {
      keysMade += 1
      keys.push({
        serial: keysMade,
        kid,
        fingerprint: fingerprintOf(key, kid, algorithm),
        algorithm,
        isSignedBy: createSignatureCheck(key, algorithm),
        live: true,
      })
    } catch {
      remarks.push(`${describe(kid)} cannot be used for ${algorithm}`)
    }
  }
  return { keys, remarks }
}

function join(sets: readonly KeySet[]): KeySet {
  return { keys: sets.flatMap((set) => set.keys), remarks: sets.flatMap((set) => set.remarks) }
}

function without(reason: string): KeySet {
  return { keys: [], remarks: [reason] }
}

/** Removes members that are null or '': some serialisers write every member they know. */
function statedMembers(jwk: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== null && value !== ''))
}

function compileJwk(member: unknown, policy: KeyPolicy): KeySet {
  if (typeof member !== 'object' || member === null) return without('a member of keys is not an object')
  const jwk = statedMembers(member)
  const { kty, kid, alg, use, key_ops: operations, k } = jwk
  const keyId = typeof kid === 'string' ? kid : undefined
  if (kid !== undefined && keyId === undefined) return without('a key has a kid that is not a string')
  if (use !== undefined && !SIGNING_USES.has(use)) return without(`${describe(keyId)} is not for signatures (use)`)
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return without(`${describe(keyId)} is not for verifying (key_ops)`)
  }
  if (kty === 'oct' && !policy.allowSecrets)
    return without(`${describe(keyId)} is a shared secret, which no URL may publish`)
  try {
    if (kty === 'oct' && typeof k === 'string') return compileKey(createSecretKey(k, 'base64url'), keyId, alg, policy)
    return compileKey(createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }), keyId, alg, policy)
  } catch {
    return without(`${describe(keyId)} is not a key that can be read (kty ${JSON.stringify(kty)?.slice(0, 32)})`)
  }
}

/** Compiles a JWK set (RFC 7517 section 5). Skips unusable keys, as the RFC demands. */
export function keySetFromJwks(document: unknown, policy: KeyPolicy): KeySet {
  const list = membersOf(document)['keys']
  if (!Array.isArray(list)) return without('it has no array `keys`')
  return compileEach(list, (jwk) => compileJwk(jwk, policy))
}

function membersOf(document: unknown): Record<string, unknown> {
  return typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {}
}

function compileEach<Member>(members: readonly Member[], compile: (member: Member) => KeySet): KeySet {
  if (members.length > MAX_KEYS) return without(`it has ${members.length} keys, more than ${MAX_KEYS}`)
  return join(members.map(compile))
}

function compilePem(kid: string, pem: unknown, policy: KeyPolicy): KeySet {
  try {
    if (typeof pem === 'string' && pem.includes(PEM_BEGIN))
      return compileKey(createPublicKey(pem.trim()), kid === '' ? undefined : kid, undefined, policy)
  } catch {
    // The same remark as for a text that is no PEM.
  }
  return without(`${describe(kid)} is no public key or certificate in PEM`)
}

/**
 * Compiles a published document: a JWK set, or an object with a certificate or public key in PEM for each `kid`, as of Google,
 * Firebase and Google's Identity-Aware Proxy. Ignores the dates of certificates, because the issuer publishes current keys.
 */
export function keySetFromDocument(document: unknown, policy: KeyPolicy): KeySet {
  const members = Object.entries(membersOf(document))
  const isPemMap = members.some(([, value]) => typeof value === 'string' && value.includes(PEM_BEGIN))
  return isPemMap
    ? compileEach(members, ([kid, pem]) => compilePem(kid, pem, policy))
    : keySetFromJwks(document, policy)
}

/** Compiles a PEM file with a public key or a certificate. The key has no `kid`, so it serves tokens with any `kid`. */
export function keySetFromPem(pem: string, policy: KeyPolicy): KeySet {
  try {
    return compileKey(createPublicKey(pem.trim()), undefined, undefined, policy)
  } catch {
    return without('it holds no public key or certificate in PEM')
  }
}

/** Compiles a shared secret. */
export function keySetFromSecret(
  secret: { readonly value: string; readonly encoding: 'utf8' | 'base64url' },
  policy: KeyPolicy,
): KeySet {
  const hmacOnly = { ...policy, algorithms: policy.algorithms.filter(isHmac) }
  return compileKey(createSecretKey(secret.value, secret.encoding), undefined, undefined, hmacOnly)
}
