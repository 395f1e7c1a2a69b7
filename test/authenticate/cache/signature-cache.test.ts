// Signatures that are remembered where no room is left to keep the token ready: nothing else about the token is.
import t from 'tap'
import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'

import type { VerificationKey } from '../../../gateway/src/authenticate/keys/key-set.ts'
import { createSignatureCache } from '../../../gateway/src/authenticate/cache/signature-cache.ts'
import { UnverifiedToken } from '../../../gateway/src/authenticate/token/token-shape.ts'
import { systemClock } from '../../../gateway/src/clock.ts'
import { Failure } from '../../../gateway/src/failure.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createTestAuthenticator, type TestAuthenticatorParts } from '../../support/test-authenticator.ts'
import { createSigner, hmacIssuer, ISSUER, signHmac } from '../../support/tokens.ts'

const NOW = 1_900_000_000
const MAX_AGE_SEC = 60
/** Room for one token that is kept ready, and for the signatures of a hundred. */
const NARROW = { maxTokens: 100, maxBytes: 2000, maxAge: MAX_AGE_SEC * 1000 }

const keyOf = (serial: number) => ({ serial, live: true }) as VerificationKey
const header = { alg: 'HS256', kid: undefined, typ: undefined }
const tokenOf = (number: number) => new UnverifiedToken(header, {}, '{}', `h.${number >> 1}`, `s${number & 1}`)

t.test('it finds what a list of the newest would find, whatever comes in which order', (t) => {
  interface Made {
    readonly number: number
    serial: number
    untilSec: number
    lookup: number
  }
  const step = fc.record({
    number: fc.nat(11),
    serials: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { minLength: 1 }),
    signedBy: fc.integer({ min: 0, max: 3 }),
    passedSec: fc.integer({ min: 0, max: 25 }),
  })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 60 }), (maxTokens, steps) => {
      const memory = createSignatureCache(maxTokens)
      const model: Made[] = []
      let nowSec = NOW
      steps.forEach(({ number, serials, signedBy, passedSec }, lookup) => {
        nowSec += passedSec
        const keys = serials.map(keyOf)
        let checks = 0
        const found = memory.recall(tokenOf(number), keys, { nowSec, lookup }, () => {
          checks += 1
          const key = keys.find(({ serial }) => serial === signedBy)
          return key === undefined ? undefined : { key, untilSec: nowSec + MAX_AGE_SEC, lookupsAgo: Infinity }
        })
        const known = model.find((made) => made.number === number)
        if (known !== undefined && nowSec < known.untilSec && serials.includes(known.serial)) {
          const { serial, untilSec } = known
          equal(checks, 0)
          deepEqual(found, { key: keyOf(serial), untilSec, lookupsAgo: lookup - known.lookup })
          known.lookup = lookup
          return
        }
        equal(checks, 1)
        equal(found?.key.serial, serials.includes(signedBy) ? signedBy : undefined)
        if (found === undefined) return
        const made = { number, serial: signedBy, untilSec: nowSec + MAX_AGE_SEC, lookup }
        if (known !== undefined) Object.assign(known, made)
        else if (model.push(made) > maxTokens) model.shift()
      })
      equal(memory.size, model.length)
      for (let number = 0; number < 12; number += 1) {
        const remembered = memory.has(`h.${number >> 1}.s${number & 1}`)
        equal(
          remembered,
          model.some((made) => made.number === number),
        )
      }
    }),
    { numRuns: 300 },
  )
  t.pass('in 300 runs')
  t.end()
})

t.test('thousands are found in a memory that has been filled many times over', (t) => {
  const memory = createSignatureCache(1000)
  const key = keyOf(1)
  const ask = (number: number) => {
    let checked = false
    memory.recall(tokenOf(number), [key], { nowSec: NOW, lookup: number }, () => {
      checked = true
      return { key, untilSec: NOW + 1, lookupsAgo: Infinity }
    })
    return checked
  }
  for (let number = 0; number < 10_500; number += 1) if (!ask(number)) t.fail(`${number} was known before it came`)
  for (let number = 9500; number < 10_500; number += 1) if (ask(number)) t.fail(`${number} was forgotten`)
  t.equal(memory.size, 1000)
  t.end()
})

/** Counts the checks of signatures; a token of its own fills the room of those that are kept ready. */
async function narrow(t: Tap, parts: TestAuthenticatorParts = {}) {
  const test = createTestAuthenticator([hmacIssuer()], { cache: NARROW, ...parts })
  const [key] = test.issuers[0]?.keys.ring.find(header) ?? []
  if (key === undefined) throw new Error('no key')
  const counted = { checks: 0 }
  const original = key.isSignedBy
  Object.assign(key, { isSignedBy: (token: UnverifiedToken) => ((counted.checks += 1), original(token)) })
  const iat = Math.floor((parts.clock ?? systemClock).now() / 1000)
  t.equal(test.decide(await signHmac({ sub: 'first', iat, exp: iat + 600 })), 'ok')
  t.same([test.authenticator.cache.ready, test.authenticator.cache.signatures], [1, 0])
  counted.checks = 0
  return { ...test, counted }
}

type Tap = Pick<typeof t, 'equal' | 'same'>

const signMany = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, index) => signHmac({ sub: `user-${index}` })))

t.test('a signature is checked once, however many tokens come in between', async (t) => {
  const { decide, authenticator, counted } = await narrow(t)
  const tokens = await signMany(50)
  for (let round = 0; round < 3; round += 1) for (const token of tokens) t.equal(decide(token), 'ok')
  t.equal(counted.checks, 50)
  t.match(authenticator.counts, { hits: 100, reread: 100, misses: 51 })
  t.match(authenticator.cache, { ready: 1, signatures: 50 })
  t.ok(tokens.every((token) => authenticator.cache.has(token)))
  t.notOk(authenticator.cache.has(await signHmac({ sub: 'nobody' })))
})

t.test('what the result says is the same whether the token is kept ready or not', async (t) => {
  const wide = createTestAuthenticator([hmacIssuer()])
  const { authenticator, issuers } = await narrow(t)
  for (const token of await signMany(5)) {
    const results = [authenticator, authenticator, wide.authenticator].map((one) =>
      one.authenticate(token, one === wide.authenticator ? wide.issuers : issuers),
    )
    t.notOk(results.some((result) => result instanceof Failure))
    t.same(results[1], results[0])
    t.same(results[1], results[2])
  }
})

t.test('a token that comes again soon is kept ready, and tokens that come once do not push it out', async (t) => {
  const { decide, authenticator } = await narrow(t)
  const [often = '', ...once] = await signMany(40)
  for (let time = 0; time < 2; time += 1) t.equal(decide(often), 'ok')
  const { reread } = authenticator.counts
  t.equal(reread, 1)
  for (const token of once) for (const each of [token, often]) t.equal(decide(each), 'ok')
  t.equal(authenticator.counts.reread, reread, 'it is ready each time')
})

t.test('tokens that nobody uses any more make room after maxAge', async (t) => {
  const clock = createFakeClock(NOW * 1000)
  const { decide, authenticator } = await narrow(t, { clock })
  const tokens = await Promise.all(['a', 'b', 'c', 'd'].map((sub) => signHmac({ sub, iat: NOW, exp: NOW + 600 })))
  const rereadBy = (token = '') => {
    const before = authenticator.counts.reread
    t.equal(decide(token), 'ok')
    return authenticator.counts.reread - before
  }
  for (const token of tokens) decide(token)
  t.same(tokens.map(rereadBy), [1, 1, 1, 1], 'the first one of all is still good')
  clock.set((NOW + MAX_AGE_SEC) * 1000)
  t.equal(rereadBy(tokens[2]), 0, 'its signature was to be checked again')
  t.equal(rereadBy(tokens[2]), 0, 'it is ready')
})

t.test('no other signature passes for the one that was remembered', async (t) => {
  const { decide } = await narrow(t)
  const token = await signHmac({ sub: 'alice' })
  const other = await signHmac({ sub: 'bob' })
  for (const each of [token, other]) t.equal(decide(each), 'ok')
  const [head = '', body = '', signature = ''] = token.split('.')
  const [, otherBody = '', otherSignature = ''] = other.split('.')
  const flipped = (at: number) =>
    `${signature.slice(0, at)}${signature[at] === 'A' ? 'B' : 'A'}${signature.slice(at + 1)}`
  for (let at = 0; at < signature.length - 1; at += 1)
    t.equal(decide(`${head}.${body}.${flipped(at)}`), 'signature_invalid')
  t.equal(decide(`${head}.${body}.${otherSignature}`), 'signature_invalid')
  t.equal(decide(`${head}.${otherBody}.${signature}`), 'signature_invalid')
  t.equal(decide(token), 'ok')
})

t.test('its end, its revocation and maxAge count as for any other token', async (t) => {
  const clock = createFakeClock(NOW * 1000)
  const { decide, blockList, counted } = await narrow(t, { clock })
  const at = (changes: object) => signHmac({ iat: NOW, exp: NOW + 600, ...changes })
  const [short, revoked, old] = [await at({ exp: NOW + 5 }), await at({ jti: 'r' }), await at({ sub: 'old' })]
  for (const token of [short, revoked, old, short, revoked, old]) t.equal(decide(token), 'ok')
  t.equal(counted.checks, 3)
  clock.set((NOW + 5) * 1000)
  t.equal(decide(short), 'token_expired')
  const common = { issuer: ISSUER, issuedBeforeSec: undefined, overlapSec: 0, untilSec: NOW + 600 } as const
  blockList.add({ ...common, kind: 'jti', value: 'r', reason: 'revoked' })
  t.equal(decide(revoked), 'token_revoked')
  clock.set((NOW + MAX_AGE_SEC - 1) * 1000)
  t.equal(decide(old), 'ok')
  t.equal(counted.checks, 3)
  clock.set((NOW + MAX_AGE_SEC) * 1000)
  t.equal(decide(old), 'ok')
  t.equal(counted.checks, 4)
})

t.test('a key that its issuer withdraws takes the signatures with it that it made', async (t) => {
  const [one, two] = [await createSigner('ES256', 'one'), await createSigner('ES256', 'two')]
  let jwks = [one.jwk, two.jwk]
  const clock = createFakeClock()
  const { decide, issuers, authenticator } = createTestAuthenticator(
    [{ ...hmacIssuer(), algorithms: ['ES256'], keys: { jwksUrl: 'https://issuer.example.com/jwks' } }],
    {
      clock,
      schedule: clock.schedule,
      cache: { ...NARROW, maxAge: 3_600_000 },
      fetchJson: () => Promise.resolve({ json: { keys: jwks }, maxAgeSec: undefined }),
    },
  )
  const remote = issuers[0]?.keys.remote
  await remote?.start()
  const valid = { iat: clock.now() / 1000, exp: clock.now() / 1000 + 6000 }
  const tokens = await Promise.all(
    [one, one, one, two, two].map((by, index) => by.sign({ ...valid, sub: `u${index}` })),
  )
  for (let round = 0; round < 2; round += 1) for (const token of tokens) t.equal(decide(token), 'ok')
  t.ok(authenticator.counts.reread > 0)
  jwks = [two.jwk]
  await clock.advance(300_000)
  t.same(
    tokens.map((token) => decide(token)),
    ['key_unknown', 'key_unknown', 'key_unknown', 'ok', 'ok'],
  )
})
