import t from 'tap'

import { createFakeUpstream, targets } from '../../support/fake-upstream.ts'

t.test('round robin gives each target its turn, and by its weight without rows', async (t) => {
  const even = createFakeUpstream({ targets: targets(3) })
  for (let count = 0; count < 6; count += 1) even.send()
  t.same(
    even.calls.map(({ target }) => target),
    ['http://t1', 'http://t2', 'http://t3', 'http://t1', 'http://t2', 'http://t3'],
  )
  const weighted = createFakeUpstream({ targets: targets(3), weights: [5, 1, 1] })
  for (let count = 0; count < 7; count += 1) weighted.send()
  t.equal(weighted.calls.map(({ target }) => target.slice(-1)).join(''), '1121311')
})

t.test('least in flight goes where least is under way, in proportion to the weights', async (t) => {
  const { calls, send, upstream } = createFakeUpstream({ targets: targets(2), balance: 'least-in-flight' })
  for (let count = 0; count < 4; count += 1) send()
  t.same(
    upstream.status().map(({ inFlight }) => inFlight),
    [2, 2],
  )
  for (const call of calls.filter(({ target }) => target === 'http://t2')) call.answer()
  send()
  send()
  t.same(
    upstream.status().map(({ inFlight }) => inFlight),
    [2, 2],
    'the idle one catches up',
  )
  const weighted = createFakeUpstream({ targets: targets(2), weights: [3, 1], balance: 'least-in-flight' })
  for (let count = 0; count < 8; count += 1) weighted.send()
  t.same(
    weighted.upstream.status().map(({ inFlight }) => inFlight),
    [6, 2],
  )
})

t.test(
  'no target gets more than its connections; the rest waits in order, and is served as they come free',
  async (t) => {
    const { calls, send, upstream } = createFakeUpstream({ targets: targets(2), connections: 1, queue: { max: 3 } })
    const callers = Array.from({ length: 6 }, () => send())
    t.equal(calls.length, 2)
    t.equal(upstream.queued, 3)
    t.same(callers[5]?.failures, [{ code: 'upstream_overloaded' }], 'the queue is full')
    calls[0]?.answer()
    t.equal(upstream.queued, 2)
    t.equal(calls.length, 2)
    for (let count = 0; count < 4; count += 1) calls[0]?.answer()
    t.equal(upstream.queued, 0)
    t.same(
      callers.slice(0, 5).map(({ events }) => events.join()),
      Array.from({ length: 5 }, () => '200,end'),
    )
    t.same(
      upstream.status().map(({ inFlight }) => inFlight),
      [0, 0],
    )
  },
)

t.test(
  'who left the queue makes room, and one timer is enough however often the queue fills and empties',
  async (t) => {
    const { calls, send, clock, upstream } = createFakeUpstream({
      targets: targets(1),
      connections: 1,
      queue: { max: 1, timeout: '5s' },
    })
    send()
    const gone = send()
    gone.ended = true
    const waits = send()
    t.same(waits.events, [])
    for (let count = 0; count < 100; count += 1) {
      calls[0]?.answer()
      send()
    }
    t.ok(clock.pending <= 1, `${clock.pending} timers`)
    const late = upstream.queued
    t.equal(late, 1)
    await clock.advance(5000)
    t.equal(upstream.queued, 0, 'the wait has an end')
    t.equal(calls.length, 1)
  },
)
