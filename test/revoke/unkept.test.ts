// What a store has not taken when the gateway ends is lost to its next start: that is said, and nothing else is.
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'

import t from 'tap'

import { systemClock, systemSchedule } from '../../gateway/src/clock.ts'
import type { RevocationOptions } from '../../gateway/src/options/revocation.ts'
import { createRevocation } from '../../gateway/src/revoke/revocation.ts'
import { entry } from './machine.ts'

async function portOfNobody(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

t.test('changes that the store did not take before the end are told', async (t) => {
  const cases: [title: string, store: RevocationOptions['store'], told: number[]][] = [
    ['a Redis that is not there', { redis: `redis://127.0.0.1:${await portOfNobody()}` }, [2]],
    ['LevelDB', { level: join(t.testdir(), 'revoked') }, []],
    ['memory, which promises nothing', 'memory', []],
  ]
  for (const [title, store, expected] of cases) {
    const told: number[] = []
    const ignore = () => undefined
    const revocation = createRevocation({
      options: {
        store,
        onStoreDown: 'serve',
        reconcile: 60_000,
        loadTimeout: 1000,
        keyPrefix: 'tollgate',
        maxEntries: 9,
      },
      clock: systemClock,
      schedule: systemSchedule,
      events: {
        onUp: ignore,
        onDown: ignore,
        onNonsense: ignore,
        onTrouble: ignore,
        onClock: ignore,
        onUnkept: (changes) => told.push(changes),
      },
    })
    await revocation.start()
    void revocation.block([entry('one'), entry('two')])
    await revocation.close()
    t.same(told, expected, title)
  }
})
