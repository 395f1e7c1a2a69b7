// The folder of the LevelDB store: created, opened, and repaired when it is damaged.
import type { ClassicLevel } from 'classic-level'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CannotStart } from '../../../failure.ts'

export const LEVEL_OPTION = ['revocation', 'store', 'level'] as const

export interface OpenedFolder {
  readonly db: ClassicLevel
  /** True when some of its entries may be lost. */
  readonly isDamaged: boolean
}

interface LevelError extends Error {
  readonly code?: string
  readonly cause?: LevelError
}

/** What LevelDB or the system said; the library wraps it. */
function rootOf(error: unknown): LevelError {
  const outer = error as LevelError
  return outer.cause ?? outer
}

/** Why a folder cannot be used, in our own words. */
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

/** The system's own way to make a whole path never ends under /proc (nodejs/node#31481): one step after the other, then. */
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

/** LevelDB takes a folder without CURRENT for a new one, and deletes what it finds there. */
async function hasLostItsIndex(folder: string): Promise<boolean> {
  const names = await readdir(folder)
  return !names.includes('CURRENT') && names.some((name) => /^\d+\.(log|ldb|sst)$/.test(name))
}

/** It passes over records that it cannot read, and says so in its own log alone, which begins anew with each opening. */
async function hasPassedOver(folder: string): Promise<boolean> {
  const said = await readFile(join(folder, 'LOG'), 'utf8').catch(() => '')
  return /: dropping \d+ bytes/.test(said)
}

function isDamage(error: unknown): boolean {
  const { code, message } = rootOf(error)
  return code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && message.includes('No such file'))
}

/** Says once what is wrong with the folder: what said so already stays as it is. */
export function cannotUse(folder: string, error: unknown): CannotStart {
  return error instanceof CannotStart ? error : new CannotStart(folderProblem(folder, error), LEVEL_OPTION)
}

/** What cannot be used any more is kept in `lost`, a folder in it. Throws CannotStart. */
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

/** Throws CannotStart. */
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
