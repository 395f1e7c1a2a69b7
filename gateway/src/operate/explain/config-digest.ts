// What of a config decides about requests, as a short text: tells whether two gateways would decide alike.
import { createHash } from 'node:crypto'

import type { Config } from '../../options/config.ts'

/** Secrets stay out, as who may see the digest could guess weak ones by it; and so does what each process may make smaller. */
const LEFT_OUT = new Set(['secret', 'headers', 'proxy'])

export function configDigest({ routes, issuers, tokens, limits, authResult, cors, revocation }: Config): string {
  const trusted = JSON.stringify(issuers, (name, value: unknown) => (LEFT_OUT.has(name) ? undefined : value))
  const rest = JSON.stringify([routes, tokens.from, tokens.forward, limits, authResult, cors, revocation.onStoreDown])
  return createHash('sha256').update(`${trusted} ${rest}`).digest('base64url').slice(0, 16)
}
