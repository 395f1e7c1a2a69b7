// Runs the embedded store with one failing call to the file system after the other, each followed by restarts. For level-faults-drill.test.ts.
import { cpSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

import { systemClock } from '../../gateway/dist/clock.js'
import { createLevelStore } from '../../gateway/dist/revoke/stores/level/level-store.js'
import { createBlockList } from '../../gateway/dist/revoke/list/memory-list.js'

const [, , root, controlFile, first, last, count] = process.argv
const HEALED_MS = 2000
const control = openSync(controlFile, 'r+')

function setFaults(at, howMany) {
  writeSync(control, new BigInt64Array([BigInt(at), BigInt(howMany), 0n, 0n]), 0, 32, 0)
}

function faults() {
  const words = new BigInt64Array(4)
  readSync(control, words, 0, 32, 0)
  return { seen: Number(words[2]), failed: Number(words[3]) }
}

const soon = (_delayMs, run) => {
  const timer = setTimeout(run, 2)
  return () => clearTimeout(timer)
}
const untilSec = Math.floor(Date.now() / 1000) + 3600
const entryOf = (value) => ({
  kind: 'jti',
  issuer: 'a',
  value,
  issuedBeforeSec: undefined,
  overlapSec: 0,
  untilSec,
  reason: 'revoked',
})

async function open(folder) {
  const list = createBlockList()
  const told = []
  const store = createLevelStore({
    folder,
    list,
    clock: systemClock,
    schedule: soon,
    forgettableSec: () => 0,
    onStoreDown: 'serve',
    events: {
      onUp: () => undefined,
      onDown: (problem) => told.push(problem),
      onNonsense: (nonsense) => told.push(`nonsense ${nonsense}`),
      onTrouble: (kind) => told.push(kind),
    },
  })
  const acknowledged = new Map()
  const change = async (value, kind) => {
    if (kind === 'added') list.add(entryOf(value), 'store')
    else list.remove(entryOf(value), 'store')
    // Until it is acknowledged, a restart may know it or not.
    acknowledged.delete(value)
    const stored = store.write({ entry: entryOf(value), change: kind, origin: 'here' }).then((isStored) => {
      if (isStored) acknowledged.set(value, kind)
      return isStored
    })
    let timer
    const late = new Promise((resolve) => (timer = setTimeout(resolve, howLong, false)))
    const isStored = await Promise.race([stored, late])
    clearTimeout(timer)
    return isStored
  }
  await store.start()
  return { store, list, told, acknowledged, change }
}

/** With faults that heal everything is acknowledged in the end; with those that last nobody waits for it. */
const howLong = Number(count) < 1000 ? HEALED_MS : 20

/** What a restart does not know as it was acknowledged. */
async function wrongIn(image, acknowledged) {
  const { store, list, told } = await open(image)
  const wrong = [...acknowledged].filter(
    ([value, kind]) => (list.get(entryOf(value)) === undefined) === (kind === 'added'),
  )
  await store.close()
  rmSync(image, { recursive: true })
  return { wrong: wrong.map(([value, kind]) => `${kind} ${value}`), told }
}

async function runOne(at) {
  const [folder, image] = [join(root, `run-${at}`), join(root, `image-${at}`)]
  const expected = new Map()
  const wrong = []
  let restarts = 0
  const restart = async () => {
    const { seen } = faults()
    cpSync(folder, image, { recursive: true })
    setFaults(0, 0)
    const found = await wrongIn(image, expected)
    restarts += 1
    wrong.push(
      ...found.wrong.map((text) => `fault ${at}: ${text}`),
      ...found.told.map((text) => `fault ${at}: told ${text}`),
    )
    return seen
  }
  setFaults(0, 0)
  const before = await open(folder)
  for (let index = 0; index < 3; index += 1) await before.change(`before ${index}`, 'added')
  for (const [value, kind] of before.acknowledged) expected.set(value, kind)
  await before.store.close()

  setFaults(at, Number(count))
  let unusable = ''
  const run = await open(folder).catch((error) => {
    unusable = error.constructor.name
    return undefined
  })
  let late = 0
  if (run !== undefined) {
    for (let index = 0; index < 12; index += 1) {
      if (!(await run.change(`entry ${index}`, 'added'))) late += 1
      if (index % 3 === 2 && !(await run.change(`entry ${index - 1}`, 'removed'))) late += 1
      if (index === 5 && !(await run.change('before 1', 'removed'))) late += 1
    }
    if (!run.acknowledged.has('before 1')) expected.delete('before 1')
    for (const [value, kind] of run.acknowledged) expected.set(value, kind)
  }
  const { failed } = faults()
  // As kill -9 leaves it; and once more after an orderly end, when the disk is good again: then nothing may wait any more.
  const seen = await restart()
  if (run !== undefined) {
    await run.store.close()
    for (const [value, kind] of run.acknowledged) expected.set(value, kind)
    if (run.acknowledged.size < 13) wrong.push(`fault ${at}: only ${run.acknowledged.size} were kept in the end`)
    await restart()
  }
  rmSync(folder, { recursive: true })
  return { at, seen, failed, unusable, late, wrong, restarts }
}

mkdirSync(root, { recursive: true })
for (let at = Number(first); at <= Number(last); at += 1) {
  const result = await runOne(at)
  process.stdout.write(`${JSON.stringify(result)}\n`)
  if (result.failed === 0) break
}
