// What is told of readiness: since when, by a clock that never jumps, and of several workers as one.
import t from 'tap'

import { mergeReadiness, watchReadiness, type Finding } from '../../../gateway/src/observe/readiness/readiness.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const at = (ms: number) => new Date(ms).toISOString()

t.test('a state is told with the time at which it began, whoever asks and when', async (t) => {
  const clock = createFakeClock()
  const startMs = clock.now()
  let keys: Finding = { part: 'keys', state: 'failing', reason: 'not fetched yet' }
  const watch = watchReadiness(() => [keys, { part: 'store', state: 'ok' }], clock, clock.schedule)
  watch.start()
  await clock.advance(5000)
  keys = { part: 'keys', state: 'degraded', reason: 'refused, 9 s left' }
  await clock.advance(60_000)
  keys = { part: 'keys', state: 'degraded', reason: 'timed out, 3 s left' }
  t.same(watch.readiness(), {
    notReady: [],
    degraded: [{ part: 'keys', reason: 'timed out, 3 s left', since: at(startMs + 6000) }],
    ok: [{ part: 'store', since: at(startMs) }],
  })
  clock.jump(3_600_000)
  t.match(watch.readiness().ok, [{ since: at(startMs + 3_600_000) }], 'told by the wall clock as it is set now')
  keys = { part: 'keys', state: 'ok' }
  t.match(
    watch.readiness().ok,
    [{ part: 'keys', since: at(clock.now()) }, { part: 'store' }],
    'who asks sees it at once',
  )
  watch.stop()
  t.equal(clock.pending, 0)
})

t.test('several workers are one: what any lacks is told once, since the first lacked it; ok is what all have', (t) => {
  const told = (part: string, sinceMs: number, reason?: string) => ({
    part,
    ...(reason === undefined ? {} : { reason }),
    since: at(sinceMs),
  })
  t.same(
    mergeReadiness([
      { notReady: [told('keys', 5, 'refused')], degraded: [], ok: [told('store', 2), told('up', 3)] },
      { notReady: [told('keys', 4, 'refused'), told('keys', 9, 'late')], degraded: [], ok: [told('store', 1)] },
      { notReady: [], degraded: [told('up', 7, 'out')], ok: [told('keys', 1), told('store', 3)] },
    ]),
    {
      notReady: [told('keys', 4, 'refused'), told('keys', 9, 'late')],
      degraded: [told('up', 7, 'out')],
      ok: [told('store', 1)],
    },
  )
  t.end()
})
