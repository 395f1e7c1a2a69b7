// Computes a digest of the options that decide about requests: two gateways with the same digest decide alike.
import { createHash } from 'node:crypto'

import type { Config } from '../../options/config.ts'

/** Left out: secrets (headers and proxy may contain one), because a weak one could be guessed from the digest. tokens.cache is not part of it: workers divide it. */
const LEFT_OUT = new Set(['secret', 'headers', 'proxy'])

function withoutSecrets(name: string, value: unknown): unknown {
  return LEFT_OUT.has(name) ? undefined : value
}

export function configDigest(config: Config): string {
  const { routes, issuers, tokens, limits, authResult, claimHeaders, assertion, cors, revocation } = config
  const trusted = JSON.stringify(issuers, withoutSecrets)
  const { from, forward } = tokens
  const told = [authResult, claimHeaders, assertion]
  const rest = JSON.stringify([routes, from, forward, limits, ...told, cors, revocation.onStoreDown], withoutSecrets)
  return createHash('sha256').update(`${trusted} ${rest}`).digest('base64url').slice(0, 16)
}
