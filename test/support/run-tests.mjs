// Runs all tests and says how they went: a line a file, the whole story of what failed, the coverage, and the count last.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

import { compileSources } from './compile-sources.mjs'

const MIN_LINE_COVERAGE = 95
const COVERED = /[/\\]gateway[/\\]src[/\\]/

compileSources(process.cwd())
const patterns = process.argv.slice(2)
const wholeRun = patterns.length === 0

/** Tests that speak HTTP with a gateway in their own process run over the fast lane, and then once more without it; drills, which are about stores and clocks, once. */
function testsOfBothParsers() {
  const stages = ['accept', 'authenticate', 'forward', 'renew', 'revoke', 'security']
  return stages
    .flatMap((stage) => readdirSync(`test/${stage}`, { recursive: true }).map((name) => `test/${stage}/${name}`))
    .filter(
      (file) =>
        /(?<!-drill)\.test\.ts$/.test(file) &&
        /test-gateway|support\/renewal|\/gateway\.ts/.test(readFileSync(file, 'utf8')),
    )
}

const NOTHING_RUN = { pass: 0, fail: 0, skip: 0 }

/** Runs tap, and says how each file went. Returns the counts, and whether tap itself found nothing wrong. */
async function runTap(args, env = {}) {
  const tap = spawn(process.execPath, ['node_modules/tap/dist/esm/run.mjs', '--reporter=tap', ...args], {
    stdio: ['inherit', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  /** Lines of the file under way, kept until it is known whether they are wanted. */
  let lines = []
  let totals = NOTHING_RUN
  for await (const line of createInterface({ input: tap.stdout })) {
    const summary = /^# \{ (.*) \}$/.exec(line)
    if (summary) {
      const counts = summary[1].split(', ').map((part) => part.split(': '))
      totals = { ...NOTHING_RUN, ...Object.fromEntries(counts.map(([name, count]) => [name, Number(count)])) }
    }
    const file = /^(not )?ok \d+ - (.*)$/.exec(line)
    if (!file) {
      lines.push(line)
      // What lacks its component says so loudly, also in a file that passes.
      if (/# SKIP/.test(line)) console.log(`SKIPPED ${line.trim()}`)
      continue
    }
    if (file[1]) console.log(lines.join('\n'))
    console.log(`${file[1] ? 'FAILED' : 'ok'} ${file[2]}`)
    lines = []
  }
  const exitCode = await new Promise((resolve) => tap.on('close', resolve))
  if (exitCode !== 0) console.log(lines.filter((line) => !line.startsWith('# No coverage')).join('\n'))
  // Where tap is not content though no test failed, something did.
  return totals.fail === 0 && exitCode !== 0 ? { ...totals, fail: 1 } : totals
}

/** Lines of code in files that no test loaded: they are not in the summary, and not covered either. Types alone compile to nothing. */
function neverLoaded(loaded) {
  const names = readdirSync('gateway/src', { recursive: true }).filter((name) => name.endsWith('.ts'))
  const missing = names.filter((name) => !loaded.some((file) => file.endsWith(`gateway/src/${name}`)))
  return missing.reduce((sum, name) => {
    const code = readFileSync(`gateway/dist/${name.replace(/\.ts$/, '.js')}`, 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(\/\/.*|export \{\};)?$/.test(line))
    if (code.length > 0) console.log(`     0 % of gateway/src/${name}`)
    return sum + code.length
  }, 0)
}

/** Lines of gateway/src that a test ran, in percent; each file below the mark is named. */
function coverage() {
  const summary = JSON.parse(readFileSync('.tap/report/coverage-summary.json', 'utf8'))
  const files = Object.entries(summary).filter(([file]) => COVERED.test(file))
  const [covered, total] = files.reduce(
    ([a, b], [, { lines }]) => [a + lines.covered, b + lines.total],
    [0, neverLoaded(files.map(([file]) => file))],
  )
  for (const [file, { lines }] of files) {
    if (lines.pct < MIN_LINE_COVERAGE)
      console.log(`${String(lines.pct).padStart(6)} % of ${file.replace(/.*gateway./, 'gateway/')}`)
  }
  return total === 0 ? 0 : (100 * covered) / total
}

const first = await runTap(wholeRun ? [] : ['--disable-coverage', ...patterns])

let covered = true
if (wholeRun && process.env['TOLLGATE_NO_COVERAGE'] === undefined) {
  const percent = coverage()
  covered = percent >= MIN_LINE_COVERAGE
  console.log(
    `${percent.toFixed(1)} % of the lines of gateway/src were run${covered ? '' : `, ${MIN_LINE_COVERAGE} are needed`}`,
  )
}

let second = NOTHING_RUN
if (wholeRun) {
  console.log('once more without the fast lane:')
  second = await runTap(['--disable-coverage', ...testsOfBothParsers()], { TOLLGATE_TEST_PARSER: 'node' })
}

const [pass, fail, skip] = ['pass', 'fail', 'skip'].map((count) => first[count] + second[count])
console.log(`${pass} passed, ${fail + (covered ? 0 : 1)} failed${skip > 0 ? `, ${skip} skipped` : ''}`)
process.exitCode = fail > 0 || pass === 0 || !covered ? 1 : 0
