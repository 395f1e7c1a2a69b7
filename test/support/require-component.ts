// A test that needs something from outside of the repository: skipped loudly on a desk, failed where everything must be there.
import { accessSync, constants } from 'node:fs'

import type { Test } from 'tap'

/** True when the program at `path` can be run. Otherwise the test has been skipped, or failed with CI=true or REQUIRE_ALL=1. */
export function requireComponent(t: Test, name: string, path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    const line = `${name} is not at ${path}`
    if (process.env['CI'] === 'true' || process.env['REQUIRE_ALL'] === '1') {
      t.fail(`${line}, and this run must have everything`)
    } else {
      process.stderr.write(`\n*** SKIPPED: ${line}; the tests that need it have proved nothing ***\n\n`)
      t.pass(line, { skip: line })
    }
    return false
  }
}
