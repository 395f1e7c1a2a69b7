// A disk that fails at a chosen call, for a process of its own: compiles disk-faults.c and preloads it.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const compilerPath = '/usr/bin/gcc'

/** What came of one failing call. */
export interface FaultRun {
  /** Which call failed, from 1 on; 0 failed where there were not so many. */
  readonly at: number
  readonly failed: number
  /** Changes that were not acknowledged at once. */
  readonly late: number
  readonly restarts: number
  /** What a restart did not know as it had been acknowledged. */
  readonly wrong: readonly string[]
}

/** Compiles it into `home`; once is enough. */
export function compileDiskFaults(home: string): string {
  const library = join(home, 'disk-faults.so')
  const source = new URL('disk-faults.c', import.meta.url).pathname
  execFileSync(compilerPath, ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'])
  return library
}

/** Each call that the store makes fails once, with the `count - 1` that come after it; ends after the last call. */
export async function runFaults(library: string, home: string, count: number, first = 1): Promise<FaultRun[]> {
  const [root, control] = [join(home, `faults-${count}`), join(home, `control-${count}`)]
  mkdirSync(root, { recursive: true })
  writeFileSync(control, Buffer.alloc(32))
  const driver = new URL('level-faults.mjs', import.meta.url).pathname
  const child = spawn(process.execPath, [driver, root, control, String(first), '100000', String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, FAULT_CONTROL: control, FAULT_ROOT: root, LD_PRELOAD: library },
  })
  const ended = once(child, 'exit')
  const runs: FaultRun[] = []
  for await (const line of createInterface({ input: child.stdout })) runs.push(JSON.parse(line) as FaultRun)
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw new Error(`the driver ended with ${String(code)}`)
  return runs
}
