// A session is one thing, however often it was renewed: whatever names any of its tokens ends all that come after.
import t, { type Test } from 'tap'
import fc from 'fast-check'

import { createRevocationReader } from '../../gateway/src/operate/admin/revocation-request.ts'
import { AdminProblem } from '../../gateway/src/operate/admin/admin-problem.ts'
import { firstJtiOf, successorJti } from '../../gateway/src/message/session-origin.ts'
import { claimsOf, firstToken, renewingIssuer, send, startRenewing, writePrivateKey } from '../support/renewal.ts'
import { testConfig, type TestGateway } from '../support/test-gateway.ts'

/** Two machines that renew, and what blocks what an operator names. */
async function setUp(t: Test) {
  const { clock, gateways } = await startRenewing(t, { machines: 2 })
  const [one, two] = gateways as [TestGateway, TestGateway]
  const { issuers } = testConfig({
    issuers: [renewingIssuer(writePrivateKey(t))],
    routes: [{ path: '/', upstream: 'up' }],
    upstreams: {},
  })
  const { revocation, renewalOf } = one.gateway
  const nowSec = () => clock.now() / 1000
  const read = createRevocationReader({ issuers: () => issuers, nowSec, renewalOf, issuerTimeSec: nowSec })
  return {
    /** Four tokens, the last of them in use. */
    async renewedThrice(claims: Record<string, unknown>): Promise<readonly string[]> {
      const tokens = [await firstToken(clock, claims)]
      while (tokens.length < 4) {
        await clock.advance(245_000)
        tokens.push((await send(one, tokens.at(-1))).renewed ?? '')
        if ((await send(two, tokens.at(-1))).status !== 200) throw new Error('it is not renewed')
      }
      return tokens
    },
    async revoke(body: Record<string, unknown>) {
      const entries = read(body)
      if (entries instanceof AdminProblem) throw new Error(entries.title)
      await revocation.block(entries)
    },
    says: async (token: string | undefined) => [(await send(one, token)).code, (await send(two, token)).code],
  }
}

const REFUSED = ['token_revoked', 'token_revoked']
const PASSES = [null, null]

for (const [title, given] of [
  ['a jti and a sid', ['jti', 'sid']],
  ['a jti alone', ['jti']],
  ['a sid alone', ['sid']],
  ['neither', []],
] as const)
  t.test(`whatever an operator knows of any token ends the session; its first token has ${title}`, async (t) => {
    const { renewedThrice, revoke, says } = await setUp(t)
    for (const name of ['jti', 'token', 'sid'] as const)
      for (let index = 0; index < 4; index += 1) {
        const own = { jti: undefined, ...Object.fromEntries(given.map((one) => [one, `${name}${index}`])) }
        const tokens = await renewedThrice(own)
        const token = tokens[index] ?? ''
        const value = name === 'token' ? token : claimsOf(token)[name]
        if (value === undefined) {
          t.notOk(index > 0 || given.includes(name as never), 'only a first token may have nothing to be named by')
          continue
        }
        t.same(await says(tokens[3]), PASSES)
        await revoke({ [name]: value })
        t.same(await says(tokens[3]), REFUSED, `the ${name} of token ${index}`)
      }
  })

t.test('another session of the same subject lives on', async (t) => {
  const { renewedThrice, revoke, says } = await setUp(t)
  const one = await renewedThrice({ jti: 'one' })
  await revoke({ jti: claimsOf(one[2] ?? '')['jti'] })
  t.same(await says(one[3]), REFUSED)
  t.same(await says((await renewedThrice({ jti: 'two' }))[3]), PASSES)
})

t.test('Amazon Cognito: origin_jti names all tokens of a log-in, renewed here or not', async (t) => {
  const { renewedThrice, revoke, says } = await setUp(t)
  const tokens = await renewedThrice({ jti: 'first', origin_jti: 'log-in' })
  t.equal(claimsOf(tokens[3] ?? '')['origin_jti'], 'log-in', 'copied as it is')
  await revoke({ jti: 'log-in' })
  t.same(await says(tokens[3]), REFUSED)
})

t.test('the jti of any token leads to that of the first, and any other text to itself', async (t) => {
  for (const plain of ['', 'a', '4f7c', 'a~b', 'acme~V1StGXR8_Z5jdHi6B-myT0', '~renewed.x', 'renewed.x'])
    t.equal(firstJtiOf(plain), plain, plain)
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }),
      fc.array(fc.base64String({ minLength: 1 }), { maxLength: 9 }),
      (first, own) => {
        const plain = firstJtiOf(first)
        let jti = first
        for (const one of own) jti = successorJti(firstJtiOf(jti), one)
        return (
          firstJtiOf(jti) === plain &&
          jti.length <= plain.length + 9 + Math.max(first.length, ...own.map((one) => one.length))
        )
      },
    ),
  )
})
