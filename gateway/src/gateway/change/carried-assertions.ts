// Carries assertions from one generation to the next: what was signed is good until it ends, where nothing of how it is made changed.
import type { Clock } from '../../clock.ts'
import { createAssertions, type Assertions, type AssertionConfig } from '../../forward/headers/assertion.ts'
import type { Config } from '../../options/config.ts'
import { publishedKeySets } from '../../renew/signing/publish-keys.ts'
import { readSigningKeys, type SigningKeys } from '../../renew/signing/read-keys.ts'
import type { Lent } from '../lent.ts'
import type { Carrying } from './carrying.ts'
import { filesOfKeys } from './issuer-files.ts'

/** What assertions of one audience may take of memory, beside the cache of tokens. */
const OF_CACHE = 1 / 4

function publishedBy({ jwksPath: path }: AssertionConfig, { verifying }: SigningKeys) {
  if (path === undefined) return []
  const keys = verifying.flatMap(({ publicKey: key }) => (key === undefined ? [] : [{ path, key }]))
  return publishedKeySets(keys, 'assertion_keys')
}

/** Throws CannotStart when a key cannot be used. */
function create(assertion: AssertionConfig, clock: Clock, maxBytes: number): Assertions {
  const keys = readSigningKeys(assertion, { what: 'assertion', path: ['assertion'] })
  const { signer } = keys
  const sign = signer.sign.bind(signer)
  return createAssertions(assertion, { clock, sign, published: publishedBy(assertion, keys), maxBytes })
}

/** Undefined where upstreams get none. */
export function carryAssertions(
  { assertion, tokens }: Config,
  carrying: Carrying,
  { clock, lent }: { readonly clock: Clock; readonly lent?: Pick<Lent, 'assertions'> | undefined },
): Assertions | undefined {
  if (assertion === undefined || lent !== undefined) return lent?.assertions
  const maxBytes = tokens.cache.maxBytes * OF_CACHE
  const files = filesOfKeys([assertion.signingKey, ...assertion.verificationKeys])
  return carrying.take('assertions', { assertion, maxBytes, files }, () => create(assertion, clock, maxBytes))
}
