// A process that writes entries into a level store (level-writer.mjs): what it said so far, and its end by kill -9.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import type { Teardown } from './test-gateway.ts'

export interface RevocationWriter {
  /** How many entries it began with; -1 before that. */
  loaded(): number
  /** The last entry that it said to be kept; -1 when there is none. */
  kept(): number
  /** How often it said that the store takes nothing. */
  downs(): number
  /** Takes the limit away. */
  unlimit(): void
  /** Ends it; tells the last entry that it said to be kept. */
  kill(): Promise<number>
}

export function createRevocationWriter(
  t: Teardown,
  folder: string,
  { prefix, fileLimitKiB }: { readonly prefix: string; readonly fileLimitKiB?: number },
): RevocationWriter {
  const writer = new URL('level-writer.mjs', import.meta.url).pathname
  const limit = fileLimitKiB === undefined ? '' : `ulimit -S -f ${fileLimitKiB}; `
  const child = spawn('/bin/bash', ['-c', `${limit}exec "$@"`, 'writer', process.execPath, writer, folder, prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const said = { loaded: -1, kept: -1, down: 0 }
  const lines = createInterface({ input: child.stdout })
  const ended = Promise.all([once(child, 'exit'), once(lines, 'close')])
  lines.on('line', (line) => {
    const [word = '', number = ''] = line.split(' ')
    if (word === 'down') said.down += 1
    else if (word === 'loaded' || word === 'kept') said[word] = Number(number)
  })
  return {
    loaded: () => said.loaded,
    kept: () => said.kept,
    downs: () => said.down,
    unlimit() {
      execFileSync('prlimit', [`--pid=${String(child.pid)}`, '--fsize=unlimited'])
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
      return said.kept
    },
  }
}
