// How often a password may be tried.
import type { FastifyInstance } from 'fastify'
import t from 'tap'

import { buildForTest } from './sample-server.ts'

const tryLimits = { perUserAndAddress: 3, perAddress: 7, windowSec: 60 }

interface Attempt {
  readonly username?: string
  readonly password?: string
  /** The address that the gateway reports. */
  readonly from?: string
}

async function attempt(app: FastifyInstance, { username = 'alice', password = 'wrong', from }: Attempt = {}) {
  const headers = from === undefined ? {} : { 'x-forwarded-for': from }
  return await app.inject({ method: 'POST', url: '/login', headers, payload: { username, password } })
}

async function statuses(app: FastifyInstance, attempts: readonly Attempt[]): Promise<number[]> {
  const codes: number[] = []
  for (const each of attempts) codes.push((await attempt(app, each)).statusCode)
  return codes
}

t.test('after too many tries for one user even the right password has to wait', async (t) => {
  const app = await buildForTest(t, { tryLimits })
  t.same(await statuses(app, [{}, {}, {}]), [401, 401, 401])

  const answer = await attempt(app, { password: 'wonderland' })
  t.equal(answer.statusCode, 429)
  const waitSec = Number(answer.headers['retry-after'])
  t.ok(waitSec >= 1 && waitSec <= 60, `${waitSec} s`)
  t.match(answer.json(), { code: 'too_many_tries', status: 429 })
  t.equal(answer.headers['cache-control'], 'no-store')
})

t.test('tries that are sent all at once are counted as well', async (t) => {
  const app = await buildForTest(t, { tryLimits })
  const answers = await Promise.all(Array.from({ length: 6 }, () => attempt(app)))
  t.same(answers.map((answer) => answer.statusCode).sort(), [401, 401, 401, 429, 429, 429])
})

t.test('a user who does not exist is limited like one who does', async (t) => {
  const app = await buildForTest(t, { tryLimits })
  t.same(await statuses(app, Array<Attempt>(4).fill({ username: 'nobody' })), [401, 401, 401, 429])
})

t.test('one user under attack from one address can log in from another', async (t) => {
  const app = await buildForTest(t, { tryLimits })
  t.same(await statuses(app, Array<Attempt>(4).fill({ from: '203.0.113.1' })), [401, 401, 401, 429])
  t.equal((await attempt(app, { password: 'wonderland', from: '203.0.113.2' })).statusCode, 200)
})

t.test('trying one password on many users is limited by the address', async (t) => {
  const app = await buildForTest(t, { tryLimits })
  const users = Array.from({ length: 8 }, (_, index) => ({ username: `user${index}` }))
  t.same(await statuses(app, users), [401, 401, 401, 401, 401, 401, 401, 429])
})

t.test('a successful login gives the tries back', async (t) => {
  const app = await buildForTest(t, { tryLimits })
  const right = { password: 'wonderland' }
  t.same(await statuses(app, [{}, {}, right, {}, {}, right]), [401, 401, 200, 401, 401, 200])
  t.same(await statuses(app, Array<Attempt>(10).fill({ ...right, username: 'alice' })), Array(10).fill(200))
})

t.test('an address that the client makes up does not give new tries', async (t) => {
  const app = await buildForTest(t, { tryLimits })
  const forged = ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4']
  const attempts = forged.map((address) => ({ from: `${address}, 203.0.113.1` }))
  t.same(await statuses(app, attempts), [401, 401, 401, 429])
})

t.test('a neighbour who is not a gateway is not believed about addresses', async (t) => {
  const app = await buildForTest(t, { tryLimits, trustedProxies: ['10.0.0.1'] })
  const attempts = ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4'].map((from) => ({ from }))
  t.same(await statuses(app, attempts), [401, 401, 401, 429])
})
