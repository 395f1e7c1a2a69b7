// Reads a file that an option names, at the start; an unreadable file is reported at its option.
import { readFileSync } from 'node:fs'

import { CannotStart } from '../failure.ts'

/** `what` names the file in messages, such as `key file`. Throws CannotStart. */
export function readNamedFile(what: string, file: string, option: readonly (string | number)[]): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new CannotStart(`${what} ${file} cannot be read (${code})`, option)
  }
}
