// Tells what a reload would change: reads the file as a reload does, and compares it with the config that serves.
import { lstatSync, statSync } from 'node:fs'

import { diffConfigs, hasDifferences, otherChanges, type ConfigDiff } from '../../config/diff/config-diff.ts'
import type { OptionChange } from '../../config/diff/option-changes.ts'
import { formatInLine } from '../../config/format-problem.ts'
import { keepRestartOnly, type LeftOption } from '../../gateway/change/restart-only.ts'
import { whatStays, type Staying } from '../../gateway/change/what-stays.ts'
import type { Log } from '../../observe/log.ts'
import type { Config } from '../../options/config.ts'
import { namedFiles, type NamedFile } from './named-files.ts'
import { createSharedNext } from './share-next.ts'
import { readConfig } from './watched-files.ts'

/** An option that a reload leaves as it is. */
export interface WaitingOption {
  readonly option: string
  readonly why: string
  /** What takes it over. */
  readonly by: 'reload --restart' | 'restart'
  readonly changes: readonly OptionChange[]
}

export interface ReloadDiff extends ConfigDiff {
  /** Whether the file says anything else than what runs. */
  readonly differs: boolean
  /** Files that options name and that were written since the config was loaded. A reload reads them again. */
  readonly files: readonly string[]
  readonly needsRestart: readonly WaitingOption[]
  readonly kept: Staying
  readonly warnings: readonly string[]
}

export type Compared =
  { readonly ok: true; readonly diff: ReloadDiff } | { readonly ok: false; readonly problems: readonly string[] }

/** Never rejects. All who ask while it is under way share the next one, as with a reload: a large config takes a while. */
export type Diff = () => Promise<Compared>

export interface DiffParts {
  readonly file: string
  readonly running: () => { readonly config: Config; readonly loadedAtMs: number }
  /** Whether there are workers that new ones could replace. */
  readonly hasWorkers: boolean
  readonly log: Pick<Log, 'error'>
}

/** The link counts as well as what it leads to. One that is away is an error of the config, not a change. */
function writtenAtMs(file: string): number {
  try {
    return Math.max(statSync(file).ctimeMs, lstatSync(file).ctimeMs)
  } catch {
    return -Infinity
  }
}

/** What holders read again by themselves is in use already. */
function newFiles(named: readonly NamedFile[], isWatched: boolean): readonly string[] {
  return [...new Set(named.filter(({ isReadInPlace }) => !isReadInPlace || !isWatched).map(({ file }) => file))]
}

function waiting(left: readonly LeftOption[], all: readonly OptionChange[], hasWorkers: boolean) {
  return left.map(({ option: name, why, byNewWorkers }): WaitingOption => {
    const changes = all.filter(({ option }) => option === name || option.startsWith(`${name}.`))
    return { option: name, why, by: byNewWorkers && hasWorkers ? 'reload --restart' : 'restart', changes }
  })
}

function compare({ file, running, hasWorkers }: DiffParts): Compared {
  // Not among the watched files: what is only looked at here is still to be reloaded.
  const loaded = readConfig(file, undefined)
  if (!loaded.ok) return { ok: false, problems: loaded.errors.map(formatInLine) }
  const { config: before, loadedAtMs } = running()
  const { config: after, left } = keepRestartOnly(before, loaded.config)
  const parts = diffConfigs(before, after)
  const written = namedFiles(after).filter((named) => writtenAtMs(named.file) > loadedAtMs)
  const files = newFiles(written, before.watch)
  const diff: ReloadDiff = {
    differs: hasDifferences(parts) || files.length + left.length > 0,
    ...parts,
    files,
    needsRestart: waiting(left, otherChanges(after, loaded.config), hasWorkers),
    kept: whatStays(before, after, (under) =>
      written.some(({ path }) => under.every((step, index) => path[index] === step)),
    ),
    warnings: loaded.warnings.map(formatInLine),
  }
  return { ok: true, diff }
}

export function createDiff(parts: DiffParts): Diff {
  const diff = createSharedNext((): Promise<Compared> => {
    try {
      return Promise.resolve(compare(parts))
    } catch (error) {
      parts.log.error({ error }, 'the configs could not be compared')
      return Promise.resolve({ ok: false, problems: ['The gateway failed'] })
    }
  })
  return () => diff('POST /api/diff')
}
