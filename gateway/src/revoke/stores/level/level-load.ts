// Opens a folder and loads its entries into the list, after a repair if some are unreadable.
import type { ClassicLevel } from 'classic-level'

import type { Clock } from '../../../clock.ts'
import { CannotStart } from '../../../failure.ts'
import type { RevocationOptions } from '../../../options/revocation.ts'
import type { Retention } from '../retention.ts'
import type { Troubles } from '../store-troubles.ts'
import type { StoreEvents, StoreList } from '../store.ts'
import { isMarkedDamaged, markDamaged, readEntries } from './level-entries.ts'
import { cannotUse, folderProblem, LEVEL_OPTION, openFolder, repairFolder, type OpenedFolder } from './level-folder.ts'

export interface LevelLoadParts {
  readonly folder: string
  readonly list: StoreList
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<StoreEvents, 'onNonsense'>
  readonly forgettableSec: Retention
  /** With `refuse`, the start fails for a damaged folder. */
  readonly onStoreDown: RevocationOptions['onStoreDown']
}

async function load(db: ClassicLevel, { list, clock, events, forgettableSec }: LevelLoadParts): Promise<void> {
  // Entries past their retention are not loaded; the sweep deletes them.
  const endedSec = forgettableSec()
  const nonsense = await readEntries(db, clock.now() / 1000, (entry) => {
    if (entry.untilSec > endedSec) list.add(entry, 'store')
  })
  if (nonsense > 0) events.onNonsense(nonsense)
}

/** Opens and loads. Repairs the folder and loads again if some entries are unreadable. */
async function openAndLoad(parts: LevelLoadParts): Promise<OpenedFolder> {
  const { folder } = parts
  const first = await openFolder(folder)
  try {
    await load(first.db, parts)
    return first
  } catch {
    await first.db.close().catch(() => undefined)
  }
  await repairFolder(folder)
  const second = await openFolder(folder)
  try {
    await load(second.db, parts)
  } catch (error) {
    await second.db.close().catch(() => undefined)
    throw new CannotStart(`${folderProblem(folder, error)}; move it away to begin anew`, LEVEL_OPTION)
  }
  return { ...second, isDamaged: true }
}

async function reportDamage(
  { db, isDamaged }: OpenedFolder,
  { folder, list, onStoreDown }: LevelLoadParts,
  troubles: Troubles,
): Promise<void> {
  if (!isDamaged && !(await isMarkedDamaged(db))) return
  // This opening has repaired the folder: without a mark, a second start would not know of the damage.
  if (onStoreDown === 'refuse') {
    await markDamaged(db, true)
    await db.close()
    throw new CannotStart(
      `${folder} was damaged, and entries may be lost (revocation.store.level); start once with revocation.onStoreDown: serve to go on with the ${list.size} that can be read`,
      LEVEL_OPTION,
    )
  }
  await markDamaged(db, false)
  troubles.set('damaged', `${folder} was damaged; ${list.size} entries could be read, others may be lost`)
}

/** Opens the folder, and loads the list. Throws CannotStart. */
export async function loadFolder(parts: LevelLoadParts, troubles: Troubles): Promise<ClassicLevel> {
  const opened = await openAndLoad(parts)
  await reportDamage(opened, parts, troubles).catch((error: unknown) => {
    throw cannotUse(parts.folder, error)
  })
  return opened.db
}
