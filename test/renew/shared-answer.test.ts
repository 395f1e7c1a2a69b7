// One call to the issuer and one token for a session, however many machines its requests reach.
import fc from 'fast-check'
import t from 'tap'

import { systemClock, systemSchedule } from '../../gateway/src/clock.ts'
import { createRedisMeetingPlace } from '../../gateway/src/gateway/redis-meeting-place.ts'
import { RenewalRefused } from '../../gateway/src/renew/renewal-refused.ts'
import { createSharedAnswer, type MeetingPlace } from '../../gateway/src/renew/shared-answer.ts'
import { parseRedisUrl } from '../../gateway/src/revoke/stores/redis/redis-url.ts'
import { createFakeClock, settle, type FakeClock } from '../support/fake-clock.ts'
import { redisServerPath, startRedis } from '../support/redis.ts'
import { requireComponent } from '../support/require-component.ts'

const LEASE_MS = 7000
const OLD = 'eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'

/** A place in memory, as Redis keeps it. `down`: it cannot be reached. */
function createPlace(clock: FakeClock) {
  const texts = new Map<string, { readonly text: string; readonly endsAtMs: number }>()
  const state = { down: false }
  const read = (name: string) => {
    if (state.down) throw new Error('down')
    const found = texts.get(name)
    return found !== undefined && found.endsAtMs > clock.monotonic() ? found.text : undefined
  }
  const write = (name: string, text: string, keptMs: number) => {
    texts.set(name, { text, endsAtMs: clock.monotonic() + keptMs })
    return true
  }
  const place: MeetingPlace = {
    putIfNone: async (name, text, keptMs) => read(name) === undefined && write(name, text, keptMs),
    replace: async (name, before, text, keptMs) => read(name) === before && write(name, text, keptMs),
    get: async (name) => read(name),
  }
  return { place, texts, state }
}

const machine = (place: MeetingPlace, clock: FakeClock) =>
  createSharedAnswer({ place, clock, schedule: clock.schedule, leaseMs: LEASE_MS })

t.test(
  'of several machines one asks; the others get its answer, also later, and nothing of it can be read',
  async (t) => {
    const clock = createFakeClock()
    const { place, texts } = createPlace(clock)
    let calls = 0
    let answer: (token: string) => void = () => undefined
    const ask = () => {
      calls += 1
      return new Promise<string>((resolve) => (answer = resolve))
    }
    const answers = [1, 2, 3].map(() => machine(place, clock)(OLD, 60_000, ask))
    await clock.advance(300)
    t.equal(calls, 1)
    answer('the-successor')
    await clock.advance(100)
    t.same(await Promise.all(answers), ['the-successor', 'the-successor', 'the-successor'])
    t.equal(await machine(place, clock)(OLD, 60_000, ask), 'the-successor', 'a machine that comes later')
    t.equal(calls, 1)
    const seen = JSON.stringify([...texts])
    for (const secret of ['the-successor', Buffer.from('the-successor').toString('base64url'), ...OLD.split('.')])
      t.notOk(seen.includes(secret), 'neither the token nor the old one stands there')
    await clock.advance(60_000)
    const later = machine(place, clock)(OLD, 60_000, ask)
    await settle()
    t.equal(calls, 2, 'it is kept no longer than the old token may be used')
    answer('x')
    await later
  },
)

t.test('a machine that dies with its claim holds the others up for its lease at most', async (t) => {
  const clock = createFakeClock()
  const { place } = createPlace(clock)
  void machine(place, clock)(OLD, 60_000, () => new Promise(() => undefined))
  await settle()
  const other = machine(place, clock)(OLD, 60_000, () => Promise.resolve('second'))
  await clock.advance(LEASE_MS - 100)
  t.equal(await Promise.race([other, Promise.resolve('waits')]), 'waits')
  await clock.advance(200)
  t.equal(await other, 'second')
})

t.test('an answer that comes after its lease gives way to the one that others have', async (t) => {
  const clock = createFakeClock()
  const { place } = createPlace(clock)
  let late: (token: string) => void = () => undefined
  const first = machine(place, clock)(OLD, 60_000, () => new Promise((resolve) => (late = resolve)))
  await clock.advance(LEASE_MS + 1)
  t.equal(await machine(place, clock)(OLD, 60_000, () => Promise.resolve('second')), 'second')
  late('first')
  t.equal(await first, 'second')
})

t.test('a refusal is told to all; a failure for a second; without a place each machine asks for itself', async (t) => {
  const clock = createFakeClock()
  const { place, state } = createPlace(clock)
  let calls = 0
  const failing = (error: Error) => () => {
    calls += 1
    return Promise.reject(error)
  }
  for (const error of [new RenewalRefused('no'), new Error('not asked')]) {
    const refused: unknown = await machine(place, clock)(OLD, 60_000, failing(error)).catch((reason: unknown) => reason)
    t.ok(refused instanceof RenewalRefused)
  }
  t.equal(calls, 1)
  const other = `${OLD}x`
  await t.rejects(machine(place, clock)(other, 60_000, failing(new Error('in trouble'))), { message: 'in trouble' })
  await t.rejects(machine(place, clock)(other, 60_000, failing(new Error('not asked'))), { message: /in vain/ })
  t.equal(calls, 2)
  await clock.advance(1000)
  t.equal(await machine(place, clock)(other, 60_000, () => Promise.resolve('now')), 'now')
  state.down = true
  t.equal(await machine(place, clock)(other, 60_000, () => Promise.resolve('alone')), 'alone')
})

t.test('what somebody else writes into the place is never taken for a token', async (t) => {
  const clock = createFakeClock()
  const { place, texts } = createPlace(clock)
  await machine(place, clock)(OLD, 60_000, () => Promise.resolve('good'))
  const [name = '', { text = '' } = {}] = [...texts][0] ?? []
  const flipped = text.slice(0, -2) + (text.endsWith('AA') ? 'BB' : 'AA')
  for (const forged of [flipped, 'token ', 'token AAAA', `token ${Buffer.from('evil').toString('base64url')}`]) {
    texts.set(name, { text: forged, endsAtMs: Infinity })
    await t.rejects(
      machine(place, clock)(OLD, 60_000, () => Promise.resolve('x')),
      { message: /cannot be read/ },
      forged,
    )
  }
})

t.test('whatever the order and the speed, all machines get one token from one call', async (t) => {
  const arrival = fc.record({ atMs: fc.nat(9000), machine: fc.nat(4) })
  await fc.assert(
    fc.asyncProperty(fc.array(arrival, { minLength: 1, maxLength: 12 }), fc.nat(5000), async (arrivals, takesMs) => {
      const clock = createFakeClock()
      const { place } = createPlace(clock)
      const machines = Array.from({ length: 5 }, () => machine(place, clock))
      let calls = 0
      const ask = () => {
        calls += 1
        const token = `token ${calls}`
        return new Promise<string>((resolve) => clock.schedule(takesMs, () => resolve(token)))
      }
      const got: Promise<string>[] = []
      for (const { atMs, machine: at } of arrivals)
        clock.schedule(atMs, () => got.push((machines[at] as (typeof machines)[number])(OLD, 60_000, ask)))
      await clock.advance(20_000)
      return (
        (await Promise.all(got)).every((token) => token === 'token 1') && got.length === arrivals.length && calls === 1
      )
    }),
    { numRuns: 60 },
  )
  t.pass()
})

const skip = !requireComponent(t, 'redis-server', redisServerPath)

t.test('in Redis: the same, and done without when it is away or hangs', { skip }, async (t) => {
  const redis = await startRedis(t)
  const places = [1, 2].map(() =>
    createRedisMeetingPlace(parseRedisUrl(redis.url), 'tollgate', { clock: systemClock, schedule: systemSchedule }),
  )
  t.teardown(() => places.forEach((place) => place.close()))
  const shared = places.map((place) =>
    createSharedAnswer({ place, clock: systemClock, schedule: systemSchedule, leaseMs: LEASE_MS }),
  )
  for (let round = 0; round < 50; round += 1) {
    let calls = 0
    const ask = async () => {
      calls += 1
      await new Promise((resolve) => setImmediate(resolve))
      return `successor ${round} ${calls}`
    }
    const got = await Promise.all([...shared, ...shared].map((answerFor) => answerFor(`${OLD}${round}`, 5000, ask)))
    t.same([...new Set(got)], [`successor ${round} 1`])
    t.equal(calls, 1)
  }
  const [name = ''] = (await redis.command('KEYS', 'tollgate:renewal:*')) as string[]
  const left = Number(await redis.command('PTTL', name))
  t.ok(left > 0 && left <= 5000, `it goes by itself, in ${left} ms`)

  await redis.command('CLIENT', 'PAUSE', '4000', 'ALL')
  const startedAt = performance.now()
  const alone = () => Promise.resolve('alone')
  t.equal(await shared[0]?.(`${OLD}hangs`, 5000, alone), 'alone')
  t.equal(await shared[0]?.(`${OLD}hangs too`, 5000, alone), 'alone')
  t.ok(performance.now() - startedAt < 2500, 'one second, once')
  await redis.stop()
  t.equal(await shared[1]?.(`${OLD}away`, 5000, alone), 'alone')
})
