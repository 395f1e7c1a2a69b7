// The door of the stage: what a config becomes, and what each route asks of tokens.
import t from 'tap'

import { AUTH_MODES } from '../../gateway/src/options/route/auth-modes.ts'
import { createAuthentication, type AuthenticationParts } from '../../gateway/src/authenticate/authentication.ts'
import { systemClock } from '../../gateway/src/clock.ts'
import { Failure } from '../../gateway/src/failure.ts'
import { createBlockList } from '../../gateway/src/revoke/list/memory-list.ts'
import { testConfig } from '../support/test-gateway.ts'
import { hmacIssuer, ISSUER, signHmac } from '../support/tokens.ts'

const now = Math.floor(Date.now() / 1000)
const claims = { iss: ISSUER, aud: 'api', sub: 'alice', iat: now - 60 }
const live = await signHmac({ ...claims, exp: now + 60 })
const expired = await signHmac({ ...claims, exp: now - 30 })

function open(options: Record<string, unknown> = {}, changes: Partial<AuthenticationParts> = {}) {
  const config = testConfig({
    issuers: [hmacIssuer(), hmacIssuer({ name: 'other', issuer: 'https://other.example' })],
    upstreams: {},
    routes: [{ path: '/', upstream: 'none' }],
    ...options,
  })
  return createAuthentication(config, {
    blockList: createBlockList({ clock: systemClock }),
    renewals: new Map(),
    renewedCookies: [],
    encodeResult: () => ({ headerValue: 'x', claimValues: [] }),
    anonymousHeaders: { headerValue: 'nobody', claimValues: [] },
    refusal: undefined,
    isTrusted: () => false,
    fetchJson: () => Promise.reject(new Error('no network in this test')),
    clock: systemClock,
    schedule: () => () => undefined,
    random: () => 0.5,
    events: { onKeysChanged: () => undefined, onKeysFailed: () => undefined },
    ...changes,
  })
}

t.test(
  'routes that ask the same of tokens share what they ask: of many, each is one more place in memory',
  async (t) => {
    const { policyOf } = open()
    const [one, same, more, out] = [
      policyOf({ auth: 'required', issuers: ['main'] }),
      policyOf({ auth: 'optional', issuers: ['main'] }),
      policyOf({ auth: 'required' }),
      policyOf({ auth: 'required', action: 'revoke' }),
    ]
    t.equal(one.issuers, same.issuers)
    t.same(
      [one, more].map(({ issuers }) => issuers.map(({ name }) => name)),
      [['main'], ['main', 'other']],
    )
    t.equal(one.identification, more.identification)
    t.not(one.identification, out.identification)
    t.equal(one.auth, AUTH_MODES.required)
    t.equal(same.auth, AUTH_MODES.optional)
  },
)

t.test('a token that has expired is refused, and is good enough to log out with', async (t) => {
  const { policyOf, callerOf, verify } = open()
  const [on, out] = [policyOf({ auth: 'required' }), policyOf({ auth: 'required', action: 'revoke' })]
  t.match(on.identification.authenticate(live, on.issuers), { subject: 'alice' })
  t.match(on.identification.authenticate(expired, on.issuers), { code: 'token_expired' })
  t.match(out.identification.authenticate(expired, out.issuers), { subject: 'alice' })
  t.match(callerOf(expired), { subject: 'alice' })
  t.equal(callerOf('a.b.c'), undefined)
  t.match(verify(live, 'main'), { result: { subject: 'alice' } })
  t.match(verify(live, 'other'), { code: 'issuer_unknown' })
})

t.test('while nobody knows what is revoked, no token is believed, to log out neither', async (t) => {
  const { policyOf } = open({}, { refusal: () => new Failure('keys_unavailable', 'as a test') })
  for (const route of [{ auth: 'required' }, { auth: 'required', action: 'revoke' }] as const) {
    const { identification, issuers } = policyOf(route)
    t.match(identification.authenticate(live, issuers), { code: 'keys_unavailable' })
  }
})

t.test(
  'responses vary by the headers that tokens stand in, each named once, and by none for tokens in URLs',
  async (t) => {
    const cases: readonly (readonly [from: unknown[], headers: string[]])[] = [
      [[{ header: 'Authorization', scheme: 'Bearer' }], ['authorization']],
      [
        [{ cookie: 'a' }, { cookie: 'b' }, { header: 'X-Token' }],
        ['cookie', 'x-token'],
      ],
      [[{ query: 't' }], []],
      [[{ websocketProtocol: 'bearer' }, { query: 't' }], ['sec-websocket-protocol']],
    ]
    for (const [from, headers] of cases) t.same(open({ tokens: { from } }).tokenHeaders, headers)
  },
)

t.test('who sends no token is nobody, with the header value that says so', async (t) => {
  t.match(open().anonymous, { authenticated: false, headerValue: 'nobody' })
})
