// `npm start`'s supervision, with tiny children.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import type { ChildOptions } from '../../sample-backend/src/start/child-process.ts'
import { supervise, type SuperviseOptions } from '../../sample-backend/src/start/supervise.ts'

const waitsForEver = 'setInterval(() => {}, 1000)'
const ignoresSigterm = `process.on('SIGTERM', () => console.log('no')); console.log('ready'); ${waitsForEver}`
const endsCleanly = `process.on('SIGTERM', () => { console.log('bye'); process.exit(0) }); console.log('ready'); ${waitsForEver}`

interface Scene extends SuperviseOptions {
  readonly askToStop: () => void
  readonly failures: string[]
  readonly readLog: (name: string) => string
}

/** Children named a, b, ... that run these scripts; ready when each of `loud` has logged something. */
function setScene(t: Test, scripts: readonly string[], options: Partial<SuperviseOptions> = {}): Scene {
  const directory = t.testdir({})
  const stopper = new AbortController()
  const failures: string[] = []
  const children = scripts.map((script, index): ChildOptions => {
    const name = 'abc'.charAt(index)
    const logFile = join(directory, `${name}.log`)
    return { name, command: process.execPath, args: ['-e', script], workingDirectory: directory, logFile }
  })
  return {
    children,
    stop: stopper.signal,
    whenReady: () => Promise.resolve(),
    onReady: () => undefined,
    onFailure: (line) => void failures.push(line),
    killAfterMs: 20_000,
    ...options,
    askToStop: () => stopper.abort(),
    failures,
    readLog: (name) => readFileSync(join(directory, `${name}.log`), 'utf8'),
  }
}

/** Resolves when each child has written its first line. */
async function whenAllHaveLogged(scene: Scene): Promise<void> {
  while (!scene.children.every(({ name }) => scene.readLog(name).includes('\n'))) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

t.test('asked to stop, it ends all children and resolves to 0', async (t) => {
  const scene = setScene(t, [endsCleanly, endsCleanly])
  const exitCode = supervise({ ...scene, whenReady: () => whenAllHaveLogged(scene), onReady: scene.askToStop })
  t.equal(await exitCode, 0)
  t.same(scene.failures, [])
  t.equal(scene.readLog('a'), 'ready\nbye\n', "a child's stdout is its log file")
  t.equal(scene.readLog('b'), 'ready\nbye\n')
})

t.test('asked to stop before anything is ready, it does not wait for it', async (t) => {
  let isReady = false
  const scene = setScene(t, [waitsForEver], {
    whenReady: () => new Promise(() => undefined),
    onReady: () => (isReady = true),
  })
  scene.askToStop()
  t.equal(await supervise(scene), 0)
  t.equal(isReady, false)
})

t.test('when one child ends the other is stopped, and the exit code is 1', async (t) => {
  const cases = [
    ['process.exit(3)', 'the a has ended (code 3)'],
    ['process.exit(0)', 'the a has ended (code 0)'],
    [`process.kill(process.pid, 'SIGKILL')`, 'the a has ended (SIGKILL)'],
  ] as const
  for (const [script, line] of cases) {
    const scene = setScene(t, [script, waitsForEver])
    t.equal(await supervise(scene), 1)
    t.same(scene.failures, [line])
  }
})

t.test('a child that cannot be started counts as ended', async (t) => {
  const scene = setScene(t, ['', waitsForEver])
  const [first, second] = scene.children as [ChildOptions, ChildOptions]
  t.equal(await supervise({ ...scene, children: [{ ...first, command: '/nowhere/node' }, second] }), 1)
  t.match(scene.failures, [/^the a has ended \(spawn \/nowhere\/node ENOENT\)$/])
})

t.test('children that do not get ready are stopped, and the exit code is 1', async (t) => {
  const whenReady = () => Promise.reject(new Error('no good answer from a'))
  const scene = setScene(t, [waitsForEver, waitsForEver], { whenReady })
  t.equal(await supervise(scene), 1)
  t.same(scene.failures, ['no good answer from a'])
})

t.test('the waiting for readiness is cancelled when a child ends', async (t) => {
  let signal: AbortSignal | undefined
  const whenReady = (given: AbortSignal): Promise<void> => {
    signal = given
    return new Promise(() => undefined)
  }
  await supervise(setScene(t, ['process.exit(1)'], { whenReady }))
  t.equal(signal?.aborted, true)
})

t.test('a child that does not want to end is killed', async (t) => {
  const scene = setScene(t, [ignoresSigterm], { killAfterMs: 50 })
  const exitCode = supervise({ ...scene, whenReady: () => whenAllHaveLogged(scene), onReady: scene.askToStop })
  t.equal(await exitCode, 0)
  t.match(scene.readLog('a'), /^ready\n/)
})
