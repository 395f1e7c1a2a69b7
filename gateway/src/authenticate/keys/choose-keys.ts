// Chooses the issuer of a token among those of the route, and the keys that may have signed it.
import type { TrustedIssuer } from '../issuers.ts'
import type { VerificationKey } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import type { UnverifiedToken } from '../token/token-shape.ts'
import { kindOfValue, mismatch, quoted, quotedList } from '../../message/shown-value.ts'
import { Failure } from '../../failure.ts'

/** Most keys tried for one token: a token without `kid` must not cost a hundred signature checks. */
export const MAX_TRIED_KEYS = 8

/** Returns the issuer of a token, by `iss`, or the only one if that does not check `iss`. Failure issuer_unknown. */
export function chooseIssuer(
  { header, claims }: UnverifiedToken,
  issuers: readonly TrustedIssuer[],
): TrustedIssuer | Failure {
  const [only] = issuers
  if (only !== undefined && issuers.length === 1 && only.issuer === undefined) return only
  let named: TrustedIssuer | undefined
  for (const issuer of issuers) {
    if (issuer.issuer === undefined || issuer.issuer !== claims['iss']) continue
    if (issuer.algorithms.has(header.alg)) return issuer
    named ??= issuer
  }
  return named ?? new Failure('issuer_unknown', unknownIssuer(claims['iss'], issuers))
}

function unknownIssuer(iss: unknown, issuers: readonly TrustedIssuer[]): string {
  const known = issuers.flatMap(({ issuer }) => issuer ?? [])
  if (typeof iss === 'string') return mismatch('iss', [iss], known, 'this issuer')
  return `iss is ${kindOfValue(iss)}, wanted is ${known.length > 1 ? 'one of ' : ''}${quotedList(known)}`
}

/** Returns the keys that may have signed the token. Failures key_unknown and keys_unavailable, with `wait` during a key fetch. */
export function chooseKeys(token: UnverifiedToken, issuer: TrustedIssuer): readonly VerificationKey[] | Failure {
  const { header } = token
  const { name, keys: source } = issuer
  const { ring } = source
  const keys = ring.find(header)
  if (keys.length > 0) return keys
  // Without any key no token can pass. A 401 would make clients log their users out, so this is a 503.
  if (ring.size === 0) {
    const { problem = 'no fetch of them has ended yet' } = source.status()
    return orWaitForKey(
      new Failure(
        'keys_unavailable',
        `it needs a key of issuer ${name} for ${header.alg}, and no key of that issuer could be loaded: ${problem}`,
      ),
      token,
      source,
      keys,
    )
  }
  const detail =
    header.kid === undefined
      ? `it names no kid, and no key of issuer ${name} fits ${header.alg}: it has ${quotedList(ring.names())}`
      : `it is signed by key ${quoted(header.kid)} with ${header.alg}, which issuer ${name} does not publish: it has ${quotedList(ring.names())}`
  return orWaitForKey(new Failure('key_unknown', detail), token, source, keys)
}

function triedKeys(keys: readonly VerificationKey[]): string {
  return keys
    .map(({ kid, algorithm }) => `${kid === undefined ? 'one without kid' : quoted(kid)} for ${algorithm}`)
    .join(', ')
}

/** Returns the failure of a token that none of these keys signed. key_unknown when not all keys could be tried. */
export function notVerified({ name }: TrustedIssuer, keys: readonly VerificationKey[]): Failure {
  return keys.length > MAX_TRIED_KEYS
    ? new Failure(
        'key_unknown',
        `none of the first ${MAX_TRIED_KEYS} of ${keys.length} keys of issuer ${name} that may have signed it did`,
      )
    : new Failure(
        'signature_invalid',
        `its signature fits none of the keys of issuer ${name} that it may be signed with: ${triedKeys(keys)}`,
      )
}

/** Returns the failure, with `wait` if a key fetch may bring the key of this token, under a new `kid` or a known one. */
export function orWaitForKey(
  failure: Failure,
  token: UnverifiedToken,
  { remote }: KeySource,
  tried: readonly VerificationKey[],
): Failure {
  const { header } = token
  const wait = remote?.waitFor({
    header,
    tried,
    isSignedByOneOf: (keys) => keys.some(({ isSignedBy }) => isSignedBy(token)),
  })
  return wait === undefined ? failure : new Failure(failure.code, failure.detail, wait)
}
