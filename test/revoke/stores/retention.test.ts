import t from 'tap'

import { createRetention } from '../../../gateway/src/revoke/stores/retention.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const KEPT = 300

/** By how many seconds what may be forgotten is behind the wall clock, after these steps a minute each. */
function lagAfter(steps: readonly { readonly hours?: number; readonly jumpMs?: number }[]): number {
  const clock = createFakeClock()
  const forgettableSec = createRetention(clock)
  let forgettable = forgettableSec()
  for (const { hours = 0, jumpMs = 0 } of steps) {
    clock.jump(jumpMs)
    forgettable = forgettableSec()
    for (let minute = 0; minute < hours * 60; minute += 1) {
      clock.set(clock.now() + 60_000)
      forgettable = forgettableSec()
    }
  }
  return Math.round(clock.now() / 1000 - forgettable)
}

t.test(
  'what ended may be forgotten five minutes later, and whatever the clock does, never what has not ended',
  async (t) => {
    const cases: readonly [string, Parameters<typeof lagAfter>[0], number][] = [
      ['a process that has just begun keeps what ended in the last day', [{}], 86_400 + KEPT],
      ['for an hour', [{ hours: 0.9 }], 86_400 + KEPT],
      ['then five minutes', [{ hours: 2 }], KEPT],
      ['a jump forward by a day is not believed', [{ hours: 2 }, { jumpMs: DAY }], 86_400 + KEPT],
      ['nor an hour later', [{ hours: 2 }, { jumpMs: DAY, hours: 0.9 }], 86_400 + KEPT],
      ['but when it has lasted for two', [{ hours: 2 }, { jumpMs: DAY, hours: 2 }], KEPT],
      ['when it is taken back, all is as before', [{ hours: 2 }, { jumpMs: DAY, hours: 0.5 }, { jumpMs: -DAY }], KEPT],
      ['a jump back counts at once', [{ hours: 2 }, { jumpMs: -DAY }], KEPT],
      ['and is taken back after a while', [{ hours: 2 }, { jumpMs: -DAY, hours: 3 }, { jumpMs: DAY, hours: 2 }], KEPT],
      ['a jump by a year right after the start', [{ jumpMs: 365 * DAY }], 366 * 86_400 + KEPT],
    ]
    for (const [title, steps, lagSec] of cases) t.equal(lagAfter(steps), lagSec, title)
  },
)

t.test('a process that slept for a day believes what the clock says then, as late as others', async (t) => {
  const clock = createFakeClock()
  const forgettableSec = createRetention(clock)
  forgettableSec()
  clock.set(clock.now() + DAY)
  forgettableSec()
  clock.set(clock.now() + HOUR)
  t.equal(Math.round(clock.now() / 1000 - forgettableSec()), KEPT)
})
