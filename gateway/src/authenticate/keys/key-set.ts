// The keys of one issuer: which verifier checks a token that names this kid and this algorithm.
import { createHash, createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'

import { algorithmsOfKey, isCalled, isHmac, kindOf, weaknessOf } from './key-rules.ts'
import type { Algorithm } from '../../options/tokens.ts'
import { createSignatureCheck, type SignatureCheck } from './token-verifier.ts'

/** One key with one algorithm. `live` turns false when the issuer withdraws the key: what it signed dies in that instant. */
export interface VerificationKey {
  /** No other key of this process has it. */
  readonly serial: number
  readonly kid: string | undefined
  /** The same for the same key material, kid and algorithm, whenever it was loaded. */
  readonly fingerprint: string
  readonly algorithm: Algorithm
  readonly isSignedBy: SignatureCheck
  live: boolean
}

/** All usable keys of one issuer, as they were loaded together, and what is to be said about the others. */
export interface KeySet {
  readonly keys: readonly VerificationKey[]
  /** A line for each key that is left out or weak, for the log: no key material. */
  readonly remarks: readonly string[]
}

/** Whose keys these are, and how strict to be. */
export interface KeyPolicy {
  readonly algorithms: readonly Algorithm[]
  readonly weakKeys: 'refuse' | 'warn'
  /** A JWK set from a file may hold shared secrets (`oct`); one from a URL never does. */
  readonly allowSecrets: boolean
}

const MAX_KEYS = 100
const PEM_BEGIN = '-----BEGIN '
/** RFC 7517 section 4.2; `jwt-svid` is how SPIFFE bundles mark keys of tokens (JWT-SVID section 4.2.2). */
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

/** A key for each allowed algorithm that it fits. */
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

/** Serialisers that write every field they know: what is null or '' says nothing. */
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

/** Keys of a JWK set document (RFC 7517 section 5). Keys that cannot be used are left out, as the RFC asks. */
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
    // Told in the same words as what is no PEM at all.
  }
  return without(`${describe(kid)} is no public key or certificate in PEM`)
}

/**
 * Keys as issuers publish them: a JWK set, or an object with a certificate or public key in PEM for each kid, as Google,
 * Firebase and Google's Identity-Aware Proxy do. The dates of certificates are not looked at: what is published counts.
 */
export function keySetFromDocument(document: unknown, policy: KeyPolicy): KeySet {
  const members = Object.entries(membersOf(document))
  const isPemMap = members.some(([, value]) => typeof value === 'string' && value.includes(PEM_BEGIN))
  return isPemMap
    ? compileEach(members, ([kid, pem]) => compilePem(kid, pem, policy))
    : keySetFromJwks(document, policy)
}

/** The key of a PEM file: a public key or a certificate. It has no kid, so it serves tokens with any kid. */
export function keySetFromPem(pem: string, policy: KeyPolicy): KeySet {
  try {
    return compileKey(createPublicKey(pem.trim()), undefined, undefined, policy)
  } catch {
    return without('it holds no public key or certificate in PEM')
  }
}

/** The key of a shared secret. */
export function keySetFromSecret(
  secret: { readonly value: string; readonly encoding: 'utf8' | 'base64url' },
  policy: KeyPolicy,
): KeySet {
  const hmacOnly = { ...policy, algorithms: policy.algorithms.filter(isHmac) }
  return compileKey(createSecretKey(secret.value, secret.encoding), undefined, undefined, hmacOnly)
}
