import t from 'tap'
import { spawnSync } from 'node:child_process'

import { SLOW_GROWTH_FLAG, YOUNG_FIRST_FLAG } from '../../../gateway/src/operate/process/heap-flags.ts'

/** What V8 says on standard error when this flag is set in a process that runs. */
function complaint(flag: string): string {
  const script = `require('node:v8').setFlagsFromString(${JSON.stringify(flag)})`
  return spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stderr
}

t.test('V8 knows the flags that it is given', (t) => {
  t.match(complaint('--no-such-flag-of-v8'), /no-such-flag-of-v8/, 'it says so of one that it does not know')
  for (const flag of [YOUNG_FIRST_FLAG, SLOW_GROWTH_FLAG]) t.equal(complaint(flag), '')
  t.end()
})
