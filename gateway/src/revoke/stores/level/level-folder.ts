// Creates, opens and repairs the folder of the LevelDB store.
import type { ClassicLevel } from 'classic-level'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CannotStart } from '../../../failure.ts'

export const LEVEL_OPTION = ['revocation', 'store', 'level'] as const

export interface OpenedFolder {
  readonly db: ClassicLevel
  /** True when some entries may be lost. */
  readonly isDamaged: boolean
}

interface LevelError extends Error {
  readonly code?: string
  readonly cause?: LevelError
}

/** Returns the error of LevelDB or the system, which the library wraps. */
function rootOf(error: unknown): LevelError {
  const outer = error as LevelError
  return outer.cause ?? outer
}

/** Describes why a folder cannot be used, without the texts of the library. */
export function folderProblem(folder: string, error: unknown): string {
  const { code, message } = rootOf(error)
  const option = '(revocation.store.level)'
  if (code === 'LEVEL_LOCKED') return `${folder} is in use by another process ${option}`
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return `${folder} cannot be written ${option}`
  if (code === 'ENOENT') return `${folder} cannot be made ${option}`
  if (code === 'ENOTDIR' || code === 'EEXIST') return `${folder} is no folder, or lies in a file ${option}`
  if (code === 'ENOSPC' || message.includes('No space left')) return `${folder}: no space is left on the disk ${option}`
  if (code === 'LEVEL_CORRUPTION') return `${folder} is damaged ${option}`
  return `${folder} cannot be read or written ${option.replace(')', `, ${code ?? 'unknown error'})`)}`
}

/** Creates a folder and its parents, step by step, because a recursive mkdir of Node never ends under /proc (nodejs/node#31481). */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error
    await makeFolder(dirname(folder))
    await mkdir(folder, { mode: 0o700 })
  }
}

/** True when CURRENT is missing: LevelDB would treat the folder as new, and delete its files. */
async function hasLostItsIndex(folder: string): Promise<boolean> {
  const names = await readdir(folder)
  return !names.includes('CURRENT') && names.some((name) => /^\d+\.(log|ldb|sst)$/.test(name))
}

/** True when LevelDB has skipped unreadable records. It reports them only in its own log, which starts anew with each opening. */
async function hasPassedOver(folder: string): Promise<boolean> {
  const said = await readFile(join(folder, 'LOG'), 'utf8').catch(() => '')
  return /: dropping \d+ bytes/.test(said)
}

function isDamage(error: unknown): boolean {
  const { code, message } = rootOf(error)
  return code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && message.includes('No such file'))
}

/** Wraps an error as CannotStart, unless it is one already. */
export function cannotUse(folder: string, error: unknown): CannotStart {
  return error instanceof CannotStart ? error : new CannotStart(folderProblem(folder, error), LEVEL_OPTION)
}

/** Repairs the folder. LevelDB moves unusable files to its subfolder `lost`. Throws CannotStart. */
export async function repairFolder(folder: string): Promise<void> {
  const { ClassicLevel } = await import('classic-level')
  try {
    await ClassicLevel.repair(folder)
  } catch (error) {
    throw new CannotStart(
      `${folderProblem(folder, error)} and cannot be repaired; move it away to begin anew`,
      LEVEL_OPTION,
    )
  }
}

/** Opens the folder, after a repair if it is damaged. Throws CannotStart. */
export async function openFolder(folder: string): Promise<OpenedFolder> {
  const { ClassicLevel } = await import('classic-level')
  const open = async () => {
    const db = new ClassicLevel(folder)
    await db.open()
    return db
  }
  try {
    await makeFolder(folder)
    if (!(await hasLostItsIndex(folder))) {
      const db = await open().catch((error: unknown) => {
        if (isDamage(error)) return undefined
        throw error
      })
      if (db !== undefined) return { db, isDamaged: await hasPassedOver(folder) }
    }
    await repairFolder(folder)
    return { db: await open(), isDamaged: true }
  } catch (error) {
    throw cannotUse(folder, error)
  }
}
