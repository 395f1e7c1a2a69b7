import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import type { BlockEntry } from '../../gateway/src/revoke/block-list.ts'
import { createLevelStore } from '../../gateway/src/revoke/stores/level/level-store.ts'
import { createBlockList } from '../../gateway/src/revoke/list/memory-list.ts'

const NOW = 1_900_000_000
const COUNT = 60

function entry(value: string): BlockEntry {
  const rest = {
    issuer: 'a',
    issuedBeforeSec: undefined,
    overlapSec: 0,
    untilSec: NOW + 3600,
    reason: 'revoked',
  } as const
  return { kind: 'jti', value, ...rest }
}

async function open(folder: string, onStoreDown: 'serve' | 'refuse' = 'serve') {
  const clock = createFakeClock(NOW * 1000)
  const list = createBlockList()
  const troubles: (string | undefined)[] = []
  const store = createLevelStore({
    folder,
    list,
    clock,
    schedule: clock.schedule,
    forgettableSec: () => clock.now() / 1000,
    onStoreDown,
    events: {
      onUp: () => undefined,
      onDown: () => undefined,
      onNonsense: () => undefined,
      onTrouble: (_kind, text) => troubles.push(text),
      onClock: () => undefined,
    },
  })
  const add = (value: string) => {
    list.add(entry(value), 'store')
    return store.write({ entry: entry(value), change: 'added', origin: 'here' })
  }
  await store.start()
  return { store, list, troubles, add }
}

/** A folder with a table of the first half of the entries, and a log of the second. */
async function makeFolder(folder: string): Promise<void> {
  for (const half of [0, 1]) {
    const { store, add } = await open(folder)
    for (let index = half; index < COUNT; index += 2) await add(`v${index}`)
    await store.close()
  }
}

function fileOf(folder: string, pattern: RegExp): string {
  const name = readdirSync(folder).find((one) => pattern.test(one))
  if (name === undefined) throw new Error(`no ${String(pattern)} in ${folder}`)
  return join(folder, name)
}

function spoil(file: string, from: number, to: number): void {
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0xa5, from, Math.min(to, bytes.length)))
}

/**
 * What is done to the folder, and how many of the 60 entries must have survived it. Not among them: a log that is cut, or
 * garbage to its end. LevelDB takes that for a process that was killed while it wrote.
 */
const DAMAGES: readonly [string, (folder: string) => void, number][] = [
  ['CURRENT is gone', (folder) => rmSync(join(folder, 'CURRENT')), COUNT],
  ['CURRENT is empty', (folder) => truncateSync(join(folder, 'CURRENT'), 0), COUNT],
  ['CURRENT is garbage', (folder) => spoil(join(folder, 'CURRENT'), 0, 100), COUNT],
  ['CURRENT names no file', (folder) => writeFileSync(join(folder, 'CURRENT'), 'MANIFEST-999999\n'), COUNT],
  ['the manifest is gone', (folder) => rmSync(fileOf(folder, /^MANIFEST/)), COUNT],
  ['the manifest is empty', (folder) => truncateSync(fileOf(folder, /^MANIFEST/), 0), COUNT],
  ['the manifest is garbage', (folder) => spoil(fileOf(folder, /^MANIFEST/), 0, 4096), COUNT],
  ['a record of the log is spoiled', (folder) => spoil(fileOf(folder, /\.log$/), 1000, 1100), COUNT / 2],
  ['a table is gone', (folder) => rmSync(fileOf(folder, /\.ldb$/)), COUNT / 2],
  ['a table is empty', (folder) => truncateSync(fileOf(folder, /\.ldb$/), 0), COUNT / 2],
  ['a table is cut', (folder) => truncateSync(fileOf(folder, /\.ldb$/), 300), COUNT / 2],
  ['a block of a table is spoiled', (folder) => spoil(fileOf(folder, /\.ldb$/), 0, 200), COUNT / 2],
  [
    'all is garbage',
    (folder) => {
      for (const name of readdirSync(folder)) spoil(join(folder, name), 0, 100_000)
    },
    0,
  ],
]

t.test('a folder that is damaged is said to be, and what can be read of it counts and is kept', async (t) => {
  const home = t.testdir()
  const whole = join(home, 'whole')
  await makeFolder(whole)
  for (const [index, [title, damage, least]] of DAMAGES.entries()) {
    const folder = join(home, String(index))
    mkdirSync(folder)
    for (const name of readdirSync(whole)) copyFileSync(join(whole, name), join(folder, name))
    damage(folder)

    await t.rejects(open(folder, 'refuse'), { name: 'Error', message: /damaged/ }, `${title}: refused`)
    await t.rejects(open(folder, 'refuse'), { message: /damaged/ }, `${title}: also at the next start`)
    const { store, list, troubles, add } = await open(folder)
    t.match(troubles, [/was damaged/], title)
    t.match(store.status(), { up: true, troubles: [{ kind: 'damaged' }] }, title)
    t.ok(list.size >= least, `${title}: ${list.size} of ${COUNT} are there`)
    t.ok(await add('new'), title)
    const { size } = list
    await store.close()

    for (const onStoreDown of ['serve', 'refuse'] as const) {
      const next = await open(folder, onStoreDown)
      t.same([next.list.size, next.troubles], [size, []], `${title}: from then on it is whole`)
      await next.store.close()
    }
  }
  t.ok(existsSync(whole))
})

t.test('a folder that was only just made, or not left in order, is not damaged', async (t) => {
  const folder = join(t.testdir(), 'new')
  mkdirSync(folder)
  writeFileSync(join(folder, 'MANIFEST-000001'), '')
  const { store, troubles } = await open(folder)
  t.same(troubles, [])
  await store.close()
})
