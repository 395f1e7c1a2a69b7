// Configs, keys and tokens of one run: a directory that goes when the run is over.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const directory = mkdtempSync(join(tmpdir(), 'tollgate-bench-'))
let files = 0

process.on('exit', () => {
  rmSync(directory, { recursive: true, force: true })
})

export const workDirectory = directory

/** Writes a file under a name of its own and says where it is. */
export function writeWork(name: string, text: string | Buffer): string {
  files += 1
  const file = join(directory, `${files}-${name}`)
  writeFileSync(file, text)
  return file
}
