// Detects changes of files by polling, which works on every file system and with swapped symbolic links.
import { statSync } from 'node:fs'

import type { Schedule } from '../clock.ts'

/** Calls `onChange` when a file has changed and was then stable for one poll. Returns a function that stops. */
export type WatchFiles = (files: readonly string[], onChange: () => void) => () => void

const LOOK_MS = 1000

/** The state of a file, which changes with every write and every swap of a link. A missing file is a state too. */
function stateOf(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file)
    return [ino, size, mtimeMs, ctimeMs].join(' ')
  } catch {
    return 'away'
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
      onChange()
    }
    return () => {
      cancel()
    }
  }
}
