// A client of a bench that wrk cannot be: a script on the load's core that reports by lines.
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { endProcess, LOAD_CORE, startProcess } from './server.ts'

export interface ScriptedClient {
  readonly pid: number
  /** The next line it says. Throws when it ends or says nothing in time. */
  line(timeoutMs: number): Promise<string>
  /** Throws when it has ended, with what it said. */
  assertRunning(): void
  stop(): Promise<void>
}

export function startScriptedClient(script: URL, args: readonly string[]): ScriptedClient {
  const { child, complaint } = startProcess(LOAD_CORE, process.execPath, [script.pathname, ...args])
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  reader.on('line', (line) => lines.push(line))
  function assertRunning(): void {
    if (child.exitCode !== null) throw new Error(`${script.pathname} ended: ${complaint()}`)
  }
  return {
    pid: child.pid ?? 0,
    assertRunning,
    async line(timeoutMs) {
      const signal = AbortSignal.timeout(timeoutMs)
      while (lines.length === 0) {
        assertRunning()
        await Promise.race([once(reader, 'line', { signal }), once(reader, 'close', { signal })]).catch(() => {
          throw new Error(`${script.pathname} says nothing: ${complaint()}`)
        })
      }
      return lines.shift() ?? ''
    },
    stop: () => endProcess(child),
  }
}
