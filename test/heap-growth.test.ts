import t from 'tap'
import { spawnSync } from 'node:child_process'

import { SLOW_GROWTH_FLAG } from '../gateway/src/heap-growth.ts'

/** What V8 says on standard error when this flag is set in a process that runs. */
function complaint(flag: string): string {
  const script = `require('node:v8').setFlagsFromString(${JSON.stringify(flag)})`
  return spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stderr
}

t.test('V8 knows the flag by which a large heap grows slowly', (t) => {
  t.match(complaint('--no-such-flag-of-v8'), /no-such-flag-of-v8/, 'it says so of one that it does not know')
  t.equal(complaint(SLOW_GROWTH_FLAG), '')
  t.end()
})
