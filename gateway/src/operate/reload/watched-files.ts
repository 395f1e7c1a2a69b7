// The files that a config is read from and names: noted when they are read, and watched until they are read again.
import { systemSchedule, type Schedule } from '../../clock.ts'
import { includedPaths } from '../../config/sources/included-paths.ts'
import { loadConfig, type LoadedConfig } from '../../config/load.ts'
import { readRegularFile, type ReadFile } from '../../options/files/read-file.ts'
import { LOOK_MS, stateOf } from '../../gateway/watch/watch-files.ts'
import type { Config } from '../../options/config.ts'
import { namedFiles } from './named-files.ts'

export interface WatchedFiles {
  /** Reads a file, and notes how it was before. */
  readonly readFile: ReadFile
  /** All that is read from now on belongs to one reading. */
  begin(): void
  /** `config`: what came of reading `file`. Without one, what is known from before is watched as well: the fault may be anywhere. */
  end(file: string, config?: Config): void
  /**
   * Calls `onChange` when a file is not as it was read, and no file changed between two looks, a second apart: what is half
   * written, or between two renames, is left alone. Not again before that has settled. Returns a function that stops.
   */
  watch(onChange: () => Promise<unknown>): () => void
}

export function createWatchedFiles(schedule: Schedule): WatchedFiles {
  /** By path, each as it was before it was read. */
  let known: ReadonlyMap<string, string> = new Map()
  let reading = new Map<string, string>()
  /** Those that `include` names, one a line: one that comes makes a difference, though nobody read it. */
  let included = ''
  let listIncluded = (): readonly string[] => []

  function note(path: string): void {
    if (!reading.has(path)) reading.set(path, stateOf(path))
  }

  return {
    readFile(path, maxBytes) {
      note(path)
      return readRegularFile(path, maxBytes)
    },
    begin() {
      reading = new Map()
    },
    end(file, config) {
      if (config !== undefined) listIncluded = () => includedPaths(config.include, file).paths
      included = listIncluded()
        .filter((path) => config === undefined || reading.has(path))
        .join('\n')
      const named = config === undefined ? [] : namedFiles(config)
      // First those, as another option may name one of them as well.
      for (const { file, isReadInPlace } of named) if (isReadInPlace) reading.delete(file)
      for (const { file, isReadInPlace } of named) if (!isReadInPlace) note(file)
      // What was not read this time counts as it is now: it was looked at, and changed nothing.
      if (config === undefined) for (const path of known.keys()) note(path)
      known = reading
    },
    watch(onChange) {
      let last: ReadonlyMap<string, string> = new Map()
      let lastIncluded = ''
      let isAsking = false
      let cancel = schedule(LOOK_MS, look)

      function look(): void {
        cancel = schedule(LOOK_MS, look)
        const now = new Map([...known.keys()].map((path) => [path, stateOf(path)]))
        const nowIncluded = listIncluded().join('\n')
        const isSettled = nowIncluded === lastIncluded && [...now].every(([path, state]) => state === last.get(path))
        const hasChanged = nowIncluded !== included || [...now].some(([path, state]) => state !== known.get(path))
        last = now
        lastIncluded = nowIncluded
        if (!hasChanged || !isSettled || isAsking) return
        isAsking = true
        void onChange().finally(() => {
          isAsking = false
        })
      }
      return () => {
        cancel()
      }
    },
  }
}

/** Reads the config, and has what it names noted. Waits for no pipe. */
export function readConfig(file: string, files: WatchedFiles | undefined): LoadedConfig {
  files?.begin()
  const loaded = loadConfig(file, { env: process.env, readFile: files?.readFile ?? readRegularFile })
  files?.end(file, loaded.ok ? loaded.config : undefined)
  return loaded
}

/** Those of a config that is being started with: what changes from now on is noticed, however long the start takes. */
export function watchedFilesOf(file: string): WatchedFiles {
  const files = createWatchedFiles(systemSchedule)
  readConfig(file, files)
  return files
}
