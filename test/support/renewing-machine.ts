// A machine that renews, without its sockets: block list and authenticator with a clock of their own, for models of many of them.
import { createAuthenticator } from '../../gateway/src/authenticate/authenticate.ts'
import { compileIssuers, type TrustedIssuer } from '../../gateway/src/authenticate/issuers.ts'
import type { Clock } from '../../gateway/src/clock.ts'
import type { Config } from '../../gateway/src/options/config.ts'
import { createRenewals } from '../../gateway/src/renew/renewals.ts'
import { createBlockList } from '../../gateway/src/revoke/list/memory-list.ts'
import { testConfig } from './test-gateway.ts'
import { ISSUER, SECRET } from './tokens.ts'

const noEvents = {
  onMade: () => undefined,
  onFailed: () => undefined,
  onRetired: () => undefined,
  onReused: () => undefined,
}

/** Tokens of HS256 with SECRET, successors too. Times in seconds. */
export function renewingConfig(clockToleranceSec: number, renewal: Record<string, unknown>): Config {
  const secret = { value: SECRET, encoding: 'utf8' as const }
  return testConfig({
    issuers: [
      {
        name: 'main',
        issuer: ISSUER,
        algorithms: ['HS256'],
        keys: { secret },
        clockTolerance: `${clockToleranceSec}s`,
        renewal: { ...renewal, signingKey: { secret, alg: 'HS256' } },
      },
    ],
    upstreams: {},
    routes: [{ path: '/', upstream: 'none' }],
  })
}

export function createMachine(config: Config, clock: Clock, isNarrow: boolean) {
  const blockList = createBlockList({ clock })
  const { byIssuer } = createRenewals(config, {
    clock,
    blockList,
    askIssuer: () => Promise.reject(new Error('nobody is asked')),
    verify: (token) => authenticator.verify(token, issuers, clock.now() / 1000),
    events: { eventsFor: () => noEvents, onDelivered: () => undefined },
  })
  const issuers: readonly TrustedIssuer[] = compileIssuers(config.issuers, {
    renewals: byIssuer,
    fetchJson: () => Promise.reject(new Error('nothing is fetched')),
    clock,
    schedule: () => () => undefined,
    random: () => 0.5,
    events: { onKeysChanged: () => undefined, onKeysFailed: () => undefined },
  })
  // A small cache: tokens are forgotten and verified anew in the middle of it all, or of some only the signature is remembered.
  const cache = { maxTokens: isNarrow ? 5 : 3, maxBytes: isNarrow ? 1700 : 1_000_000, maxAge: 30_000 }
  const authenticator = createAuthenticator({
    maxTokenBytes: 8192,
    cache,
    clock,
    encodeResult: () => ({ headerValue: '', claimValues: [] }),
    blockList,
  })
  return {
    blockList,
    issuerTimeSec: authenticator.issuerTimeSec,
    send: (token: string) => authenticator.authenticate(token, issuers),
  }
}
