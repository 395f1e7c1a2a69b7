// Block list entries in LevelDB: their keys and values, and operations on many of them.
import type { ClassicLevel } from 'classic-level'

import type { BlockChange, BlockEntry, BlockList } from '../../block-list.ts'
import { contentOf, keyOf, nameOf, readStored } from '../entry-text.ts'

type Change = Pick<BlockChange, 'entry' | 'change'>

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string }

/** `e name` holds an entry, `u until name` finds those that have ended. */
const ENTRY = 'e '
const ENDS = 'u '
/** One more than the separator: the end of a range of keys. */
const entryRange = { gte: ENTRY, lt: 'e!' }
/** There from the moment that damage is found until a gateway has begun with it. */
const DAMAGED = 'damaged'
const SECOND_DIGITS = 12
const AT_ONCE = 1000
/** Synced: what was acknowledged survives the loss of power as well. A batch shares one sync. */
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

export async function writeChanges(db: ClassicLevel, changes: readonly Change[], nowSec: number): Promise<void> {
  await db.batch(
    changes.flatMap((change) => operationsOf(change, nowSec)),
    SYNCED,
  )
}

/** Hands out all entries. Tells how many were none. */
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

/** Makes the folder say what the list says, whatever it said before. What changes meanwhile has to be written afterwards. */
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

/** Removes some of what ended, by the index of ends; false when there is no more. What the list still has was given a later end. */
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
