// The authenticate stage alone: issuers from a config, no server, the clock in the test's hand.
import { createAuthenticator, type Authenticator } from '../../gateway/src/authenticate/authenticate.ts'
import { compileIssuers, type KeyEvents, type TrustedIssuer } from '../../gateway/src/authenticate/issuers.ts'
import type { FetchedDocument } from '../../gateway/src/authenticate/keys/remote-keys.ts'
import { systemClock, type Clock, type Schedule } from '../../gateway/src/clock.ts'
import { Failure } from '../../gateway/src/failure.ts'
import { createIdentityEncoder } from '../../gateway/src/forward/headers/identity-headers.ts'
import type { BlockList } from '../../gateway/src/revoke/block-list.ts'
import { createBlockList } from '../../gateway/src/revoke/list/memory-list.ts'
import { testConfig } from './test-gateway.ts'

export interface TestAuthenticator {
  readonly authenticator: Authenticator
  readonly blockList: BlockList
  readonly issuers: readonly TrustedIssuer[]
  /** `ok`, or the code of the refusal, for a route that accepts all issuers or those named. */
  decide(token: string, issuerNames?: readonly string[]): string
  readonly events: string[]
}

export interface TestAuthenticatorParts {
  readonly clock?: Clock
  readonly schedule?: Schedule
  readonly random?: () => number
  readonly fetchJson?: (url: string) => Promise<FetchedDocument>
  readonly cache?: { maxTokens: number; maxBytes: number; maxAge: number }
}

export function createTestAuthenticator(
  issuerOptions: readonly Record<string, unknown>[],
  parts: TestAuthenticatorParts = {},
): TestAuthenticator {
  const config = testConfig({ issuers: issuerOptions, upstreams: {}, routes: [{ path: '/', upstream: 'none' }] })
  const { clock = systemClock, schedule = () => () => undefined, random = () => 0.5, cache } = parts
  const fetchJson = parts.fetchJson ?? (() => Promise.reject(new Error('no network in this test')))
  const events: string[] = []
  const keyEvents: KeyEvents = {
    onKeysChanged: (issuer, { added, removed }, remarks) => {
      events.push(
        `${issuer} +[${added.join()}] -[${removed.join()}]${remarks.map((remark) => ` (${remark})`).join('')}`,
      )
    },
    onKeysFailed: (issuer, reason, keysLeftMs) =>
      events.push(`${issuer} failed: ${reason}; keys left ${keysLeftMs / 1000} s`),
  }
  const issuers = compileIssuers(config.issuers, { fetchJson, clock, schedule, random, events: keyEvents })
  const blockList = createBlockList({ clock })
  const authenticator = createAuthenticator({
    blockList,
    maxTokenBytes: config.limits.tokenBytes,
    cache: cache ?? config.tokens.cache,
    clock,
    encodeResult: createIdentityEncoder(config, () => undefined).encodeResult,
  })
  return {
    authenticator,
    blockList,
    issuers,
    events,
    decide(token, names) {
      const outcome = authenticator.authenticate(
        token,
        names === undefined ? issuers : issuers.filter(({ name }) => names.includes(name)),
      )
      return outcome instanceof Failure ? outcome.code : 'ok'
    },
  }
}
