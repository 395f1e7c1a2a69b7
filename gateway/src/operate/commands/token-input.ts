// Reads a token from the command line or from standard input, where it stays out of the shell's history.
import { fstatSync } from 'node:fs'

const STDIN = 0

/** A pipe that somebody filled on purpose (`echo $T | tollgate ...`); a terminal or an inherited socket is not asked. */
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

/** The token; undefined when there is none. A leading `Bearer` is taken off. */
export async function readToken(option: string | undefined): Promise<string | undefined> {
  const text = option === '-' || (option === undefined && isPiped()) ? await readStdin() : (option ?? '').trim()
  const token = text.replace(/^bearer\s+/i, '')
  return token === '' ? undefined : token
}
