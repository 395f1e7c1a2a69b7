// When the log warns of clocks that disagree: not of the milliseconds that it takes to ask.
import t from 'tap'

import type { Log } from '../../../gateway/src/observe/log.ts'
import { createRevocationEvents } from '../../../gateway/src/observe/events/revocation-events.ts'

t.test('a clock is off beyond what tokens tolerate and what the measuring takes, and told once', async (t) => {
  for (const [toleranceMs, differencesMs, told] of [
    [0, [0, 4, -40, 99], []],
    [0, [150, 160, -150], ['warn']],
    [0, [150, 3, 150], ['warn', 'info', 'warn']],
    [10_000, [9000, -10_050], []],
    [10_000, [-10_200, 0], ['warn', 'info']],
    [Infinity, [1e9], []],
  ] as const) {
    const levels: string[] = []
    const log = { warn: () => levels.push('warn'), info: () => levels.push('info') } as unknown as Log
    const events = createRevocationEvents(log, toleranceMs)
    for (const aheadMs of differencesMs) events.onClock(aheadMs)
    t.same(levels, told, `${toleranceMs}: ${differencesMs.join(' ')}`)
  }
})
