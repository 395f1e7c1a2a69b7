// The clock that machines share, as one of them knows it between two looks at it.
import t from 'tap'

import { createRedisClock } from '../../../../gateway/src/revoke/stores/redis/redis-clock.ts'
import { createFakeClock } from '../../../support/fake-clock.ts'

const HOUR = 3_600_000

function secondsOf(ms: number): string[] {
  return [String(Math.floor(ms / 1000)), String((ms % 1000) * 1000)]
}

t.test('a jump of the clock here, either way, does not move the clock of Redis', async (t) => {
  for (const jumpMs of [HOUR, -HOUR, 2000, -2000]) {
    const clock = createFakeClock()
    const redisMs = () => clock.monotonic() + 500
    const shared = createRedisClock(clock, () => Promise.resolve(secondsOf(redisMs())))
    await shared.measure()
    t.equal(shared.aheadMs, 500)
    clock.jump(jumpMs)
    await clock.advance(1000)
    t.equal(shared.nowSec(), redisMs() / 1000, `after a jump of ${jumpMs} ms`)
    t.equal(shared.aheadMs, 500 - jumpMs, 'and the difference is told at once')
    await shared.measure()
    t.equal(shared.nowSec(), redisMs() / 1000)
  }
})

t.test('half of what the question took is taken off, also when the clock jumps meanwhile', async (t) => {
  const clock = createFakeClock()
  const shared = createRedisClock(clock, async () => {
    await clock.advance(40)
    const answer = secondsOf(clock.monotonic())
    clock.jump(HOUR)
    await clock.advance(40)
    return answer
  })
  await shared.measure()
  t.equal(shared.nowSec(), clock.monotonic() / 1000)
})

t.test('while nobody knows the clock of Redis, it is the one here', async (t) => {
  const clock = createFakeClock()
  const shared = createRedisClock(clock, () => Promise.reject(new Error('NOPERM')))
  await shared.measure()
  clock.jump(HOUR)
  t.equal(shared.aheadMs, undefined)
  t.equal(shared.nowSec(), clock.now() / 1000)
})
