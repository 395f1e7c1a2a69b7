// What a million revoked tokens cost: memory, look-ups, and the longest pause while entries come and end.
import { randomBytes } from 'node:crypto'
import { PerformanceObserver } from 'node:perf_hooks'
import { anonymousResult } from 'tollgate/authenticate/auth-result.js'
import { createBlockList } from 'tollgate/revoke/list/memory-list.js'

import { writeResult } from '../report/results.ts'

const ENTRIES = 1_000_000
const BATCH = 200
const BATCHES = 5000
const ISSUER = 'https://login.example.com/'
const SWEEP_BUDGET_MS = 2

function rssMb(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss / 1e6
}

/** Token ids as they are: 43 characters that differ everywhere. Made from a counter, so that the bench keeps none of them. */
function idOf(index: number): string {
  const bytes = Buffer.alloc(32)
  for (let at = 0; at < 32; at += 4) bytes.writeUInt32LE(Math.imul(index + at + 1, 0x9e3779b1) >>> 0, at)
  return bytes.toString('base64url')
}

const callerOf = (tokenId: string) => ({
  ...anonymousResult({ headerValue: undefined, claimValues: [] }),
  authenticated: true,
  issuerId: ISSUER,
  tokenId,
})

/** CPU time of this process, with the threads that compile and collect; other processes of a shared machine do not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const rounded = (value: number) => Math.round(value * 100) / 100

function quantiles(values: number[]) {
  values.sort((a, b) => a - b)
  const at = (share: number) => rounded(values[Math.floor(share * (values.length - 1))] ?? 0)
  return { tenth: at(0.1), median: at(0.5), ninetieth: at(0.9), max: at(1) }
}

const entryOf = (index: number, untilSec: number) => ({
  kind: 'token' as const,
  issuer: ISSUER,
  value: idOf(index),
  issuedBeforeSec: undefined,
  overlapSec: 0,
  untilSec,
  reason: 'revoked' as const,
})

const list = createBlockList()
for (let index = 0; index < ENTRIES; index += 1) entryOf(index, 0)
const before = rssMb()

let pausesMs: number[] = []
const observer = new PerformanceObserver((entries) => {
  for (const { duration } of entries.getEntries()) pausesMs.push(duration)
})
observer.observe({ entryTypes: ['gc'] })
/** Collections of garbage since this was last asked, and the longest. They are told of in later turns. */
async function collections() {
  await new Promise((resolve) => setTimeout(resolve, 20))
  const told = { count: pausesMs.length, longestMs: rounded(Math.max(0, ...pausesMs)) }
  pausesMs = []
  return told
}

await collections()
const addMs: number[] = []
const fillStartedAt = performance.now()
for (let index = 0; index < ENTRIES; index += BATCH) {
  const entries = Array.from({ length: BATCH }, (_, at) => entryOf(index + at, at % 2 === 0 ? 100 : 200))
  const startedAt = performance.now()
  for (const entry of entries) list.add(entry)
  addMs.push(performance.now() - startedAt)
}
const fillMs = performance.now() - fillStartedAt
const fillCollections = await collections()
const rssGrowthMb = rssMb() - before
const ownMb = list.bytes / 1e6

/**
 * Nanoseconds for one look-up between other work, by batches: callers as they were just made, whose making drove the list
 * out of the processor's second cache, and entries from anywhere in the million.
 */
let found = 0
function lookUpNs(makeId: () => string) {
  const each: number[] = []
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const callers = Array.from({ length: BATCH }, () => callerOf(makeId()))
    const startedAt = process.hrtime.bigint()
    for (const caller of callers) if (list.find(caller, 50) !== undefined) found += 1
    each.push(Number(process.hrtime.bigint() - startedAt) / BATCH)
  }
  return quantiles(each)
}
/** Nanoseconds for one look-up after the other, of ten thousand callers again and again: what the list costs by itself. */
function steadyNs(makeId: (index: number) => string) {
  const callers = Array.from({ length: 10_000 }, (_, index) => callerOf(makeId(index)))
  const each: number[] = []
  for (let round = 0; round < 100; round += 1) {
    const startedAt = process.hrtime.bigint()
    for (const caller of callers) if (list.find(caller, 50) !== undefined) found += 1
    each.push(Number(process.hrtime.bigint() - startedAt) / callers.length)
  }
  return quantiles(each)
}
const absentSteadyNs = steadyNs(() => randomBytes(32).toString('base64url'))
const presentSteadyNs = steadyNs((index) => idOf(index * 97))
const absentNs = lookUpNs(() => randomBytes(32).toString('base64url'))
const presentNs = lookUpNs(() => idOf(Math.floor(Math.random() * ENTRIES)))

/** One access to a place that no cache has, now: a look-up of an entry that is there needs one at least. */
function memoryNs() {
  const words = new Uint32Array(16 * ENTRIES).fill(1)
  const each: number[] = []
  let place = 1
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const startedAt = process.hrtime.bigint()
    for (let index = 0; index < BATCH; index += 1)
      place = (Math.imul(place, 1664525) + 1013904222 + (words[((place >>> 8) % ENTRIES) * 16] as number)) >>> 0
    each.push(Number(process.hrtime.bigint() - startedAt) / BATCH)
  }
  return quantiles(each)
}
const accessNs = memoryNs()

globalThis.gc?.()
await collections()
const turnMs: number[] = []
const turnCpuMs: number[] = []
/** Turns that do nothing but wait for their end: what is over the budget in them is the machine's. */
const idleTurnMs: number[] = []
while (list.size > ENTRIES / 2) {
  const startedAt = performance.now()
  const cpuBefore = cpuMs()
  list.sweep(100, () => performance.now() - startedAt > SWEEP_BUDGET_MS)
  turnCpuMs.push(cpuMs() - cpuBefore)
  turnMs.push(performance.now() - startedAt)
  const idleSince = performance.now()
  while (performance.now() - idleSince <= SWEEP_BUDGET_MS);
  idleTurnMs.push(performance.now() - idleSince)
}
const sweepCollections = await collections()

const result = {
  entries: ENTRIES,
  rssGrowthMb: Math.round(rssGrowthMb),
  ownMb: Math.round(ownMb),
  absentSteadyNs,
  presentSteadyNs,
  absentNs,
  presentNs,
  accessNs,
  addUs: rounded((fillMs * 1000) / ENTRIES),
  batchAddsMs: quantiles(addMs),
  fillCollections,
  sweptEntries: ENTRIES - list.size,
  ownMbAfterwards: Math.round(list.bytes / 1e6),
  sweepTurns: turnMs.length,
  sweepTurnMs: quantiles(turnMs),
  sweepTurnCpuMs: quantiles(turnCpuMs),
  idleTurnMs: quantiles(idleTurnMs),
  sweepCollections,
  found,
}
observer.disconnect()
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
writeResult('revoke.json', `${JSON.stringify(result, null, 2)}\n`)
