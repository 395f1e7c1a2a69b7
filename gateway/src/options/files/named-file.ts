// Reads a file that an option names, at the start or for a change; an unreadable file is reported at its option.
import { MAX_FILE_BYTES, readRegularFile } from './read-file.ts'
import { CannotStart } from '../../failure.ts'

/** `what` names the file in messages, such as `key file`. Throws CannotStart. */
export function readNamedFile(what: string, file: string, option: readonly (string | number)[]): string {
  try {
    // It was a file when the config was checked, and may be a pipe by now: that is no reason to wait.
    return readRegularFile(file, MAX_FILE_BYTES).toString('utf8')
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new CannotStart(`${what} ${file} cannot be read (${code})`, option)
  }
}
