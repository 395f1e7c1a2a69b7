// The successor as a pure function: the formula, what has none, and what holds for any token.
import t from 'tap'
import fc from 'fast-check'

import type { Claims } from '../../gateway/src/authenticate/auth-result.ts'
import { readExactJson, writeExactJson } from '../../gateway/src/message/json/exact-json.ts'
import { dueSecOf, successorOf, successorTimes, unfitClaim } from '../../gateway/src/renew/successor.ts'

const RULES = { windowSec: 60, lifetimeSec: 300, maxSessionSec: 3600 }
const jtiOf = (tokenId: string) => `jti of ${tokenId}`

t.test('the formula', async (t) => {
  const claims = { iss: 'i', sub: 'a', iat: 1000, exp: 1300, jti: 'old', nbf: 1000, roles: ['x'] }
  t.same(successorOf(claims, 'T', RULES, jtiOf), {
    ...claims,
    iat: 1240,
    exp: 1540,
    jti: 'old~renewed.jti of T',
    origin_iat: 1000,
    sid: 'T',
    auth_time: 1000,
    renewed_from: 'T',
  })
  const second = {
    ...claims,
    iat: 1240,
    exp: 1540,
    sid: 'S',
    auth_time: 900,
    origin_iat: 1000,
    jti: 'old~renewed.T',
    renewed_from: 'T',
  }
  t.match(successorOf(second, 'U', RULES, jtiOf), {
    iat: 1480,
    exp: 1780,
    jti: 'old~renewed.jti of U',
    sid: 'S',
    auth_time: 900,
    origin_iat: 1000,
    renewed_from: 'U',
  })
  t.match(
    successorOf(claims, 'T', { ...RULES, windowSec: 0 }, jtiOf),
    { iat: 1300, exp: 1600 },
    'in the grace period alone',
  )
  t.match(successorOf({ ...claims, exp: 4500 }, 'T', RULES, jtiOf), { exp: 4600 }, 'cut at the end of the session')
  t.match(
    successorOf({ ...claims, iat: 1290 }, 'T', RULES, jtiOf),
    { iat: 1290 },
    'never issued before its predecessor',
  )
  t.match(successorOf({ ...claims, exp: 1300.7, iat: 1000.5 }, 'T', RULES, jtiOf), { iat: 1240, auth_time: 1000 })
})

t.test('what has no successor', async (t) => {
  for (const [title, claims] of [
    ['no exp', { iat: 1000 }],
    ['no beginning', { exp: 1300 }],
    ['a beginning after its successor’s', { iat: 1000, exp: 1300, auth_time: 1241 }],
    ['a session that ends with it', { iat: 1000, exp: 4600 }],
    ['a session that ended before it', { iat: 1000, exp: 4700 }],
  ] as const)
    t.equal(successorOf(claims, 'T', RULES, jtiOf), undefined, title)
  t.equal(dueSecOf({ iat: 1000 }, RULES), Infinity)
})

t.test('what renewal reads and cannot use leaves a token without successor', async (t) => {
  const claims = { iat: 1000, exp: 1300 }
  const unfit = {
    auth_time: ['2026-03-14T18:52:01.180Z', null, -1, 1e12, {}],
    sid: [null, '', 7, {}],
    jti: [null, '', 7, []],
    renewed_from: [null, '', 7],
  }
  for (const [name, values] of Object.entries(unfit)) {
    for (const value of values) {
      t.equal(unfitClaim({ ...claims, [name]: value }), name, `${name}: ${JSON.stringify(value)}`)
      t.equal(successorTimes({ ...claims, [name]: value }, RULES), undefined)
    }
  }
  t.equal(unfitClaim({ ...claims, auth_time: 0, sid: 's', jti: 'j', renewed_from: 'r' }), undefined)
})

t.test('a member __proto__ and numbers that no double is are copied as they are', async (t) => {
  const text = '{"iat":1000.000000000000000001,"exp":1300,"id":12345678901234567890,"__proto__":{"x":[1e400]}}'
  const successor = successorOf(readExactJson(text) as Claims, 'T', RULES, jtiOf)
  t.equal(
    writeExactJson(successor),
    '{"iat":1240,"exp":1540,"id":12345678901234567890,"__proto__":{"x":[1e400]},"jti":"jti of T~renewed.jti of T","origin_iat":1000,"sid":"T","auth_time":1000,"renewed_from":"T"}',
  )
  t.equal(Object.getPrototypeOf(successor), Object.prototype)
})

const claimsOf = fc
  .record(
    { iat: fc.integer({ min: 0, max: 10_000 }), exp: fc.integer({ min: 0, max: 20_000 }), auth_time: fc.nat(10_000) },
    { requiredKeys: ['exp'] },
  )
  // Any other token is refused before (claim_invalid).
  .filter(({ iat, exp }) => iat === undefined || iat <= exp)
const rulesOf = fc
  .record({
    window: fc.nat(500),
    lifetime: fc.integer({ min: 1, max: 1000 }),
    session: fc.integer({ min: 1, max: 5000 }),
  })
  .map(({ window, lifetime, session }) => ({
    windowSec: window,
    lifetimeSec: window + lifetime,
    maxSessionSec: window + lifetime + session,
  }))

t.test(
  'whatever the token and the rules: a chain only moves forward, keeps its session, and ends with it',
  async (t) => {
    fc.assert(
      fc.property(claimsOf, rulesOf, (claims, rules) => {
        const startSec = claims.auth_time ?? claims.iat
        let current: Record<string, unknown> = claims
        for (let round = 0; round < 50; round += 1) {
          const next = successorOf(current as never, `T${round}`, rules, jtiOf)
          if (next === undefined) {
            // It ends only where there was no beginning to believe, or where the session ends.
            const ended = startSec === undefined || (current['exp'] as number) >= startSec + rules.maxSessionSec
            return ended || (round === 0 && startSec > Math.max(claims.exp - rules.windowSec, claims.iat ?? 0))
          }
          const times = [next['iat'], next['exp']] as [number, number]
          const forward =
            times[1] > (current['exp'] as number) && times[0] >= ((current['iat'] as number | undefined) ?? 0)
          const within = times[1] <= (startSec as number) + rules.maxSessionSec && times[0] < times[1]
          if (!forward || !within || next['auth_time'] !== startSec || next['sid'] !== 'T0') return false
          if (times[1] - times[0] > rules.lifetimeSec) return false
          current = next
        }
        return true
      }),
      { numRuns: 2000 },
    )
    t.pass()
  },
)

t.test('it is a function: what it is given alone decides', async (t) => {
  fc.assert(
    fc.property(claimsOf, rulesOf, fc.string(), (claims, rules, tokenId) => {
      const frozen = Object.freeze({ ...claims })
      const [one, two] = [successorOf(frozen, tokenId, rules, jtiOf), successorOf({ ...claims }, tokenId, rules, jtiOf)]
      return (
        JSON.stringify(one) === JSON.stringify(two) &&
        (one === undefined) === (successorTimes(claims, rules) === undefined)
      )
    }),
  )
  t.pass()
})
