// Reloads the config of a running gateway: reads the file again and applies it, or says all that is wrong with it and changes nothing.
import { CannotStart } from '../../failure.ts'
import { formatInLine } from '../../config/format-problem.ts'
import type { Log } from '../../observe/log.ts'
import type { Config } from '../../options/config.ts'
import { createSharedNext } from './share-next.ts'
import type { ServiceManager } from '../supervisor/service-manager.ts'
import { readConfig, type WatchedFiles } from './watched-files.ts'

export type Reloaded =
  | {
      readonly ok: true
      readonly warnings: readonly string[]
      /** Options that differ and were not applied, each with why. */
      readonly needsRestart: readonly string[]
    }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Where the config is from, and who is told when it is read again. */
export interface ReloadSource {
  readonly file: string
  readonly manager: Pick<ServiceManager, 'reloading' | 'ready'>
  /** Notes what is read, to be watched. */
  readonly files?: WatchedFiles | undefined
}

export interface ReloadParts extends ReloadSource {
  /** Has the config serve; resolves to what needs a restart. Throws CannotStart; then nothing has changed. */
  readonly apply: (config: Config) => Promise<readonly string[]>
  /** For the metrics. */
  readonly onReloaded: (ok: boolean) => void
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
}

/**
 * `cause`: who asked, for the log. Never rejects. One after the other: all who ask meanwhile share the next one, which begins
 * later than they asked. A reload each would have the process do nothing else for as long as somebody repeats a signal.
 */
export type Reload = (cause: string) => Promise<Reloaded>

/** What became of new processes in place of all workers. */
export type Restarted =
  | (Extract<Reloaded, { ok: true }> & {
      /** How many workers are new processes. */
      readonly restarted: number
      /** Why the others are not. */
      readonly stopped?: string
    })
  | Extract<Reloaded, { ok: false }>

/** A reload, and then new processes in place of all workers. Never rejects. */
export type Restart = (cause: string) => Promise<Restarted>

function tell(reloaded: Reloaded, cause: string, log: ReloadParts['log']): void {
  if (!reloaded.ok) {
    log.error({ why: cause, problems: reloaded.problems }, 'the config was not reloaded: the last one still serves')
    return
  }
  const { warnings, needsRestart } = reloaded
  log.info({ why: cause }, 'the config was reloaded')
  for (const remark of warnings) log.warn({ remark }, 'the config is allowed and doubtful')
  if (needsRestart.length > 0)
    log.warn({ needsRestart }, 'options have changed that need a restart: they stay as they were')
}

export function createReload({ file, manager, files, apply, onReloaded, log }: ReloadParts): Reload {
  async function readAndApply(): Promise<Reloaded> {
    const loaded = readConfig(file, files)
    if (!loaded.ok) return { ok: false, problems: loaded.errors.map(formatInLine) }
    try {
      const needsRestart = await apply(loaded.config)
      return { ok: true, warnings: loaded.warnings.map(formatInLine), needsRestart }
    } catch (error) {
      if (!(error instanceof CannotStart)) throw error
      const { option: path, message } = error
      return {
        ok: false,
        problems: [path === undefined ? message : formatInLine(loaded.locate({ path, message, standsAlone: true }))],
      }
    }
  }

  async function reload(cause: string): Promise<Reloaded> {
    let reloaded: Reloaded
    manager.reloading()
    try {
      reloaded = await readAndApply()
    } catch (error) {
      log.error({ error }, 'the reload failed')
      reloaded = { ok: false, problems: ['The gateway failed'] }
    }
    onReloaded(reloaded.ok)
    tell(reloaded, cause, log)
    manager.ready()
    return reloaded
  }

  return createSharedNext(reload)
}
