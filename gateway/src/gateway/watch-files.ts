// Detects that files changed by polling them, which is right on every file system and through swapped symbolic links.
import { statSync } from 'node:fs'

import type { Schedule } from '../clock.ts'

/** Calls `onChange` when one of the files has changed and then stayed the same for a look. Returns what ends it. */
export type WatchFiles = (files: readonly string[], onChange: () => void) => () => void

const LOOK_MS = 1000

/** What changes with every write and every swap of a link; a file that is away for a moment is one more state. */
function stateOf(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file)
    return [ino, size, mtimeMs, ctimeMs].join(' ')
  } catch {
    return 'away'
  }
}

/** Whoever writes two files that belong together does so within a moment: a state counts once two looks have found it. */
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
