// Reads a token from the command line or from standard input, which keeps it out of the shell's history.
import { fstatSync } from 'node:fs'

const STDIN = 0

/** True for a pipe or a file (`echo $T | tollgate ...`). A terminal or an inherited socket is not read. */
function isPiped(): boolean {
  try {
    const stat = fstatSync(STDIN)
    return stat.isFIFO() || stat.isFile()
  } catch {
    return false
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8').trim()
}

/** Returns the token without a leading `Bearer`; undefined when there is none. */
export async function readToken(option: string | undefined): Promise<string | undefined> {
  const text = option === '-' || (option === undefined && isPiped()) ? await readStdin() : (option ?? '').trim()
  const token = text.replace(/^bearer\s+/i, '')
  return token === '' ? undefined : token
}
