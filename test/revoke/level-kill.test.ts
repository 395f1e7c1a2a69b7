import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { systemClock, systemSchedule } from '../../gateway/src/clock.ts'
import { createLevelStore } from '../../gateway/src/revoke/stores/level/level-store.ts'
import { createBlockList } from '../../gateway/src/revoke/list/memory-list.ts'

const nothing = () => undefined
const events = { onUp: nothing, onDown: nothing, onNonsense: nothing, onTrouble: nothing, onClock: nothing }

/** Writes until it is killed; the last entry that it said to be kept. */
async function writeUntilKilled(
  folder: string,
  prefix: string,
  afterMs: number,
): Promise<{ loaded: number; last: number }> {
  const writer = new URL('../support/level-writer.mjs', import.meta.url).pathname
  const child = spawn(process.execPath, [writer, folder, prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const result = { loaded: -1, last: -1 }
  const ended = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, number] = line.split(' ')
    if (word === 'loaded') {
      result.loaded = Number(number)
      setTimeout(() => child.kill('SIGKILL'), afterMs)
    } else result.last = Number(number)
  }
  await ended
  return result
}

/** Ten times: what was promised in all the rounds before must be there when a round begins. */
async function killTenTimes(t: Test, folder: string): Promise<number> {
  const promised: [prefix: string, last: number][] = []
  for (let round = 0; round < 10; round += 1) {
    const { loaded, last } = await writeUntilKilled(folder, `r${round}`, 5 + ((round * 7) % 40))
    t.ok(loaded >= promised.reduce((sum, [, count]) => sum + count + 1, 0), `a round begins with ${loaded}`)
    promised.push([`r${round}`, last])
  }
  const list = createBlockList()
  const store = createLevelStore({
    folder,
    list,
    clock: systemClock,
    schedule: systemSchedule,
    events,
    forgettableSec: () => 0,
    onStoreDown: 'serve',
  })
  await store.start()
  const missing = promised.flatMap(([prefix, last]) =>
    Array.from({ length: last + 1 }, (_, index) => `${prefix}-${index}`).filter(
      (value) => list.get({ kind: 'jti', issuer: 'a', value }) === undefined,
    ),
  )
  t.same(missing, [])
  await store.close()
  return promised.reduce((sum, [, last]) => sum + last + 1, 0)
}

t.test('killed fifty times while it writes, it never loses an entry that it said to be kept', async (t) => {
  const home = t.testdir()
  const totals = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => killTenTimes(t, join(home, name))))
  const total = totals.reduce((sum, count) => sum + count, 0)
  t.ok(total > 200, `${total} entries were promised`)
})
