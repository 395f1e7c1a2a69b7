// `tollgate run` as a process of its own: started on free ports, and what it says.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import type { Teardown } from './test-gateway.ts'

const BIN = join(import.meta.dirname, '../../gateway/bin/tollgate.js')

export interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly adminUrl: string
  readonly output: () => string
  readonly errors: () => string
}

export function run(
  t: Teardown,
  file: string,
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; output: () => string; errors: () => string } {
  const child = spawn(process.execPath, [BIN, 'run', '-c', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let [seen, said] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  t.teardown(() => child.kill('SIGKILL'))
  return { child, output: () => seen, errors: () => said }
}

/** A directory that goes with the test. */
export function temporaryDirectory(t: Teardown): string {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-test-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

export async function start(t: Teardown, text: string, env: NodeJS.ProcessEnv = {}): Promise<Started> {
  const file = join(temporaryDirectory(t), 'gateway.yaml')
  writeFileSync(file, text)
  const { child, output, errors } = run(t, file, env)
  while (!output().includes('"listening"')) {
    if (child.exitCode !== null) throw new Error(errors())
    await pause(20)
  }
  const line = output()
    .split('\n')
    .find((one) => one.includes('"listening"'))
  return { child, output, errors, ...(JSON.parse(line ?? '{}') as { url: string; adminUrl: string }) }
}

/** Pids of the workers: the children of the primary. */
export function workersOf({ child }: Started): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return (
          readFileSync(`/proc/${name}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[1] === String(child.pid)
        )
      } catch {
        return false
      }
    })
    .map(Number)
}
