// The process of the sample backend, as a process.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'
import type { Test } from 'tap'

const main = fileURLToPath(new URL('../../sample-backend/src/main.ts', import.meta.url))

interface Run {
  readonly stop: (signal: NodeJS.Signals) => void
  /** Resolves to the address when it listens. */
  readonly url: Promise<string>
  readonly ended: Promise<{ code: number | null; stderr: string }>
}

function runMain(t: Test, env: Readonly<Record<string, string>>): Run {
  // execArgv brings the loader that lets Node run TypeScript.
  const child = spawn(process.execPath, [...process.execArgv, main], {
    env: { ...process.env, SAMPLE_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))

  return {
    stop: (signal) => child.kill(signal),
    url: new Promise((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString()
        const [, url] = /listening at (http:[^"]+)"/.exec(stdout) ?? []
        if (url !== undefined) resolve(url)
      })
    }),
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stderr })),
  }
}

t.test('a signal ends the process cleanly and at once, open event streams included', async (t) => {
  const SAMPLE_KEYS_DIRECTORY = t.testdir({})
  const check = async (signal: NodeJS.Signals): Promise<void> => {
    const run = runMain(t, { SAMPLE_KEYS_DIRECTORY })
    const request = get(`${await run.url}/stream?intervalMs=60000`)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    const streamEnded = once(response, 'end')
    run.stop(signal)
    t.same(await run.ended, { code: 0, stderr: '' }, signal)
    await streamEnded
    t.ok(response.complete)
  }
  await Promise.all([check('SIGTERM'), check('SIGINT')])
})

t.test('a port in use is one line and exit code 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo

  const run = runMain(t, { SAMPLE_PORT: String(port), SAMPLE_KEYS_DIRECTORY: t.testdir({}) })
  t.same(await run.ended, {
    code: 1,
    stderr: `sample backend: 127.0.0.1:${port} is in use already; stop what listens there, or set SAMPLE_PORT\n`,
  })
})

t.test('what keeps it from starting is one line and exit code 1', async (t) => {
  const directory = t.testdir({ keys: { 'es256-private.pem': 'half of a key' }, file: '' })
  const cases: ReadonlyArray<readonly [Readonly<Record<string, string>>, RegExp]> = [
    [{ SAMPLE_KEYS_DIRECTORY: join(directory, 'keys') }, /^sample backend: .*es256-private\.pem is not a P-256 .*\n$/],
    [{ SAMPLE_KEYS_DIRECTORY: join(directory, 'file') }, /^sample backend: (EEXIST|ENOTDIR): .*\n$/],
  ]
  const check = async ([env, line]: (typeof cases)[number]): Promise<void> => {
    const { code, stderr } = await runMain(t, env).ended
    t.equal(code, 1)
    t.match(stderr, line)
  }
  await Promise.all(cases.map(check))
})
