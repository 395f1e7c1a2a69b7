// A process that writes entries to a level store and says which ones are kept, until somebody kills it. For level-store.test.ts.
import { systemClock } from '../../gateway/dist/clock.js'
import { createLevelStore } from '../../gateway/dist/revoke/level-store.js'
import { createBlockList } from '../../gateway/dist/revoke/memory-list.js'

const [, , folder, prefix] = process.argv
const list = createBlockList()
const nothing = () => undefined
const events = { onUp: nothing, onDown: nothing, onNonsense: nothing }
const store = createLevelStore({ folder, list, clock: systemClock, events, forgettableSec: () => 0 })
await store.start()
process.stdout.write(`loaded ${list.size}\n`)
const untilSec = Math.floor(Date.now() / 1000) + 3600
const common = { kind: 'jti', issuer: 'a', issuedBeforeSec: undefined, overlapSec: 0, untilSec, reason: 'revoked' }
for (let index = 0; ; index += 1) {
  const entry = { ...common, value: `${prefix}-${index}` }
  const kept = store.write({ entry, change: 'added', origin: 'here' })
  if (index % 5 === 0 && (await kept)) process.stdout.write(`kept ${index}\n`)
}
