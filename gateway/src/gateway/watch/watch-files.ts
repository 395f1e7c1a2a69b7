// Detects changes of files by polling, which works on every file system and with swapped symbolic links.
import { statSync } from 'node:fs'

import type { Schedule } from '../../clock.ts'

/**
 * Calls `onChange` when a file has changed and was then stable for one poll; with `fault`, no file may be read. Returns a
 * function that stops.
 */
export type WatchFiles = (files: readonly string[], onChange: (fault?: string) => void) => () => void

export const LOOK_MS = 1000
/** As at the start (config/text/file-options.ts). */
const MAX_FILE_BYTES = 1024 * 1024

/** The state of a file, which changes with every write and every swap of a link. A missing file is a state too. */
export function stateOf(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file)
    return [ino, size, mtimeMs, ctimeMs].join(' ')
  } catch {
    return 'away'
  }
}

/** Reading a pipe that nobody writes to would block the process, and /dev/zero has no end. The reader reports a missing file. */
function faultOf(file: string): string | undefined {
  try {
    const stat = statSync(file)
    if (stat.isFIFO() || stat.isSocket() || stat.isCharacterDevice() || stat.isBlockDevice())
      return `${file} is a pipe or a device, and no file`
    return stat.size > MAX_FILE_BYTES ? `${file} has ${stat.size} bytes, at most ${MAX_FILE_BYTES} are read` : undefined
  } catch {
    return undefined
  }
}

/** Creates a watch. A new state counts after two equal polls, so that two files written together are read together. */
export function createFileWatch(schedule: Schedule): WatchFiles {
  return (files, onChange) => {
    const look = () => files.map(stateOf).join('\n')
    let known = look()
    let last = known
    let cancel = schedule(LOOK_MS, lookAgain)
    function lookAgain(): void {
      cancel = schedule(LOOK_MS, lookAgain)
      const state = look()
      const isSettled = state === last
      last = state
      if (state === known || !isSettled) return
      known = state
      onChange(files.map(faultOf).find((fault) => fault !== undefined))
    }
    return () => {
      cancel()
    }
  }
}
