// Reads and writes block list entries in LevelDB: their keys and values, in batches.
import type { ClassicLevel } from 'classic-level'

import type { BlockChange, BlockEntry, BlockList } from '../../block-list.ts'
import { contentOf, keyOf, nameOf, readStored } from '../entry-text.ts'

type Change = Pick<BlockChange, 'entry' | 'change'>

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string }

/** `e name` holds an entry. `u until name` is the index of ends. */
const ENTRY = 'e '
const ENDS = 'u '
/** `!` is the character after the space, so it ends the range of keys. */
const entryRange = { gte: ENTRY, lt: 'e!' }
/** The key exists from the detection of damage until a gateway has started with the damaged folder. */
const DAMAGED = 'damaged'
const SECOND_DIGITS = 12
const AT_ONCE = 1000
/** Synced to disk, so that an acknowledged write survives a power failure. A batch needs one sync. */
const SYNCED = { sync: true }

function endKey(untilSec: number, name: string): string {
  return `${ENDS}${String(untilSec).padStart(SECOND_DIGITS, '0')} ${name}`
}

function operationsOf({ entry, change }: Change, nowSec: number): readonly Operation[] {
  const name = nameOf(entry)
  if (change === 'removed') return [{ type: 'del', key: ENTRY + name }]
  return [
    { type: 'put', key: ENTRY + name, value: contentOf(entry, nowSec) },
    { type: 'put', key: endKey(entry.untilSec, name), value: '' },
  ]
}

/** Writes changes in one synced batch. `nowSec` is the current time in seconds since the epoch. */
export async function writeChanges(db: ClassicLevel, changes: readonly Change[], nowSec: number): Promise<void> {
  await db.batch(
    changes.flatMap((change) => operationsOf(change, nowSec)),
    SYNCED,
  )
}

/** Passes all entries to `take`. Returns the number of invalid entries. */
export async function readEntries(
  db: ClassicLevel,
  nowSec: number,
  take: (entry: BlockEntry) => void,
): Promise<number> {
  let nonsense = 0
  for await (const [key, value] of db.iterator(entryRange)) {
    const stored = readStored(key.slice(ENTRY.length), value, { nowSec, isNews: false })
    if (stored === undefined) nonsense += 1
    else take(stored.entry)
  }
  return nonsense
}

/** Makes the folder equal to the list. Changes made meanwhile must be written afterwards. */
export async function mirrorList(
  db: ClassicLevel,
  list: Pick<BlockList, 'page' | 'get'>,
  nowSec: number,
): Promise<void> {
  for (let place: number | undefined = 0; place !== undefined;) {
    const page = list.page(place, AT_ONCE)
    if (page.entries.length > 0)
      await writeChanges(
        db,
        page.entries.map((entry) => ({ entry, change: 'added' })),
        nowSec,
      )
    place = page.next
  }
  let gone: Operation[] = []
  for await (const key of db.keys(entryRange)) {
    const known = keyOf(key.slice(ENTRY.length))
    if (known !== undefined && list.get(known) === undefined) gone.push({ type: 'del', key })
    if (gone.length < AT_ONCE) continue
    await db.batch(gone, SYNCED)
    gone = []
  }
  await db.batch(gone, SYNCED)
}

/**
 * Deletes up to 1000 ended entries, by the index of ends. Returns false when none is left. An entry with a later end in the
 * list loses only its old index key.
 */
export async function removeSomeEnded(db: ClassicLevel, list: Pick<BlockList, 'get'>, endedSec: number) {
  const range = { gte: ENDS, lt: endKey(Math.max(0, Math.floor(endedSec) + 1), '') }
  const keys = await db.keys({ ...range, limit: AT_ONCE }).all()
  if (keys.length === 0) return false
  const operations = keys.flatMap((key): Operation[] => {
    const name = key.slice(ENDS.length + SECOND_DIGITS + 1)
    const known = keyOf(name)
    const current = known === undefined ? undefined : list.get(known)
    const indexOnly: Operation[] = [{ type: 'del', key }]
    return current !== undefined && current.untilSec > endedSec
      ? indexOnly
      : [...indexOnly, { type: 'del', key: ENTRY + name }]
  })
  await db.batch(operations)
  return true
}

export async function isMarkedDamaged(db: ClassicLevel): Promise<boolean> {
  return (await db.get(DAMAGED)) !== undefined
}

export async function markDamaged(db: ClassicLevel, isDamaged: boolean): Promise<void> {
  await db.batch([isDamaged ? { type: 'put', key: DAMAGED, value: '' } : { type: 'del', key: DAMAGED }], SYNCED)
}
