// Whom a token is believed from: the issuer that it names among those of the route, and the keys that may have signed it.
import type { TrustedIssuer } from './issuers.ts'
import type { VerificationKey } from './key-set.ts'
import type { UnverifiedToken } from './token-shape.ts'
import { Failure } from '../failure.ts'

/** The issuer that the route would believe this token from: by `iss`, or the only one if that does not look at iss. */
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
  return (
    named ??
    new Failure('issuer_unknown', claims['iss'] === undefined ? 'iss is missing' : 'iss names no issuer of this route')
  )
}

/** The keys that may have signed the token; the failure says whether other keys may yet come. */
export function chooseKeys(
  { header }: UnverifiedToken,
  { name, keys: { ring, remote } }: TrustedIssuer,
): readonly VerificationKey[] | Failure {
  const keys = ring.find(header)
  if (keys.length > 0) return keys
  // Nobody could pass: that is our trouble, and a 401 would make clients log their users out.
  if (ring.size === 0) return new Failure('keys_unavailable', `no keys of issuer ${name} could be loaded`)
  const detail =
    header.kid === undefined
      ? `it names no kid, and not exactly one key of issuer ${name} fits ${header.alg}`
      : `it is signed by key ${JSON.stringify(header.kid)} with ${header.alg}, which issuer ${name} does not publish`
  return new Failure('key_unknown', detail, remote?.lookFor(header.kid))
}
