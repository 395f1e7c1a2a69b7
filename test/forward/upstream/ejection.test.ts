// Targets in trouble: out after failures in a row, for a growing time, never more than half of them, back by one probe.
import t from 'tap'

import { createFakeUpstream, targets } from '../../support/fake-upstream.ts'

type Fake = ReturnType<typeof createFakeUpstream>

function fakeOf(count: number, more: Record<string, unknown> = {}): Fake {
  return createFakeUpstream({
    targets: targets(count),
    retries: 0,
    ejection: { failures: 3, time: '10s', maxTime: '35s' },
    ...more,
  })
}
/** Sends until the target was asked so often, answering all others well. */
function failTarget({ calls, send }: Fake, target: string, times: number, how: (call: Fake['calls'][number]) => void) {
  let failed = 0
  for (let count = 0; count < 100 && failed < times; count += 1) {
    send()
    const [call] = calls
    if (call?.target !== target) call?.answer()
    else {
      how(call)
      failed += 1
    }
  }
  return failed
}
const asked = (fake: Fake, times: number) => {
  const seen: string[] = []
  for (let count = 0; count < times; count += 1) {
    fake.send()
    seen.push(fake.calls[0]?.target.slice(-1) ?? '-')
    fake.calls[0]?.answer()
  }
  return seen.join('')
}

t.test('connections refused, resets, timeouts and 5xx in a row put a target out', async (t) => {
  const ways: Record<string, (call: Fake['calls'][number]) => void> = {
    refused: (call) => call.fail('ECONNREFUSED'),
    reset: (call) => call.fail('ECONNRESET'),
    timeout: (call) => call.fail('UND_ERR_HEADERS_TIMEOUT'),
    status: (call) => call.answer(503),
  }
  for (const [title, how] of Object.entries(ways)) {
    const fake = fakeOf(2)
    t.equal(failTarget(fake, 'http://t1', 2, how), 2)
    t.same(fake.log, [], title)
    failTarget(fake, 'http://t1', 1, how)
    t.same(fake.log, ['http://t1 ejected'], title)
    t.equal(asked(fake, 4), '2222', title)
  }
  const mixed = fakeOf(2)
  failTarget(mixed, 'http://t1', 2, (call) => call.answer(500))
  failTarget(mixed, 'http://t1', 1, (call) => call.answer(404))
  failTarget(mixed, 'http://t1', 2, (call) => call.fail('ECONNRESET'))
  t.same(mixed.log, [], 'a good answer in between begins the row anew, and 4xx is one')
})

t.test('what clients do says nothing about a target', async (t) => {
  const fake = fakeOf(2)
  for (let count = 0; count < 20; count += 1) {
    const caller = fake.send()
    caller.ended = true
    fake.calls[0]?.fail('UND_ERR_ABORTED')
  }
  t.same(fake.log, [])
})

t.test(
  'after its time one request is the probe: good brings the target back, bad doubles the time up to its limit',
  async (t) => {
    const fake = fakeOf(2)
    const { clock, send, calls, log } = fake
    failTarget(fake, 'http://t1', 3, (call) => call.fail('ECONNREFUSED'))
    for (const waitMs of [10_000, 20_000, 35_000, 35_000]) {
      await clock.advance(waitMs - 1)
      t.equal(asked(fake, 4), '2222', `${waitMs} ms are not over`)
      await clock.advance(1)
      for (let count = 0; count < 6; count += 1) send()
      const probes = calls.filter(({ target }) => target === 'http://t1')
      t.equal(probes.length, 1, 'one probe at a time')
      probes[0]?.answer(500)
      for (const call of [...calls]) call.answer()
    }
    await clock.advance(35_000)
    t.match(asked(fake, 6), /1/)
    t.same(log, ['http://t1 ejected', 'http://t1 back'])
    failTarget(fake, 'http://t1', 3, (call) => call.fail('ECONNREFUSED'))
    await clock.advance(10_000)
    t.match(asked(fake, 4), /1/, 'its times begin anew')
  },
)

t.test('a probe that learnt nothing is repeated', async (t) => {
  const fake = fakeOf(2)
  failTarget(fake, 'http://t1', 3, (call) => call.fail('ECONNREFUSED'))
  await fake.clock.advance(10_000)
  const callers = [fake.send(), fake.send()]
  for (const caller of callers) caller.ended = true
  for (const call of [...fake.calls]) call.fail('UND_ERR_ABORTED')
  t.match(asked(fake, 4), /1/)
})

t.test('at most half of the targets are out at once, and the only one never is', async (t) => {
  for (const [count, most] of [
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
  ] as const) {
    const fake = fakeOf(count)
    for (let round = 0; round < 60; round += 1) {
      fake.send()
      fake.calls[0]?.fail('ECONNREFUSED')
    }
    t.equal(fake.log.length, most, `${count} targets`)
    fake.send()
    t.equal(fake.calls.length, 1, 'somebody is asked')
  }
})

t.test('0 failures never eject', async (t) => {
  const fake = fakeOf(2, { ejection: { failures: 0 } })
  for (let round = 0; round < 20; round += 1) {
    fake.send()
    fake.calls[0]?.fail('ECONNREFUSED')
  }
  t.same(fake.log, [])
})
