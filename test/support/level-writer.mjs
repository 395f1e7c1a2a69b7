// A process that writes entries to a level store and says which ones are kept, until somebody kills it. For revocation-writer.ts.
import { systemClock, systemSchedule } from '../../gateway/dist/clock.js'
import { createLevelStore } from '../../gateway/dist/revoke/stores/level/level-store.js'
import { createBlockList } from '../../gateway/dist/revoke/list/memory-list.js'

const [, , folder, prefix] = process.argv
const list = createBlockList()
const nothing = () => undefined
const events = { onUp: nothing, onDown: () => process.stdout.write('down\n'), onNonsense: nothing, onTrouble: nothing }
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
process.stdout.write(`loaded ${list.size}\n`)
const untilSec = Math.floor(Date.now() / 1000) + 3600
const common = { kind: 'jti', issuer: 'a', issuedBeforeSec: undefined, overlapSec: 0, untilSec, reason: 'revoked' }
// Without a handler a limit on the size of files would end the process.
process.on('SIGXFSZ', nothing)
// Timers of the store keep no process alive.
setInterval(nothing, 1000)
for (let index = 0; ; index += 1) {
  const entry = { ...common, value: `${prefix}-${index}` }
  list.add(entry, 'store')
  const kept = store.write({ entry, change: 'added', origin: 'here' })
  if (index % 5 === 0 && (await kept)) process.stdout.write(`kept ${index}\n`)
}
