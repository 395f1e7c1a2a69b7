// Runs the tests with each version of Node that is supported: npm run test:matrix [-- 22 24]. Tells one line a version at the end.
// Each version comes from the npm registry (the package `node`), and the packages of the workspace are used as they are installed.
import { spawnSync } from 'node:child_process'

const SUPPORTED = ['20', '22', '24', '26']
const asked = process.argv.slice(2)
const versions = asked.length > 0 ? asked : SUPPORTED

/** `npx node@N` puts that node first in PATH, so that what tests start as `node` is the same; nothing is installed by a script. */
function runWith(version) {
  const command = 'node --version && node test/support/run-tests.mjs'
  const { status } = spawnSync(
    'npx',
    ['--yes', '--ignore-scripts=false', '--package', `node@${version}`, '--', 'sh', '-c', command],
    // Coverage is measured once, by `npm test`.
    { stdio: 'inherit', env: { ...process.env, TOLLGATE_NO_COVERAGE: '1' } },
  )
  return status === 0
}

const outcomes = versions.map((version) => {
  console.log(`=== Node ${version}`)
  return { version, isGood: runWith(version) }
})
for (const { version, isGood } of outcomes) console.log(`Node ${version}: ${isGood ? 'passed' : 'FAILED'}`)
process.exitCode = outcomes.every(({ isGood }) => isGood) ? 0 : 1
