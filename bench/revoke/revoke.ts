// What a million revoked tokens cost: memory, look-ups, and the longest pause while entries come and end.
import { randomBytes } from 'node:crypto'
import { anonymousResult } from 'tollgate/authenticate/auth-result.js'
import { createBlockList } from 'tollgate/revoke/memory-list.js'

import { writeResult } from '../report/results.ts'

const ENTRIES = 1_000_000
const LOOK_UPS = 1_000_000
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
  ...anonymousResult(undefined),
  authenticated: true,
  issuerId: ISSUER,
  tokenId,
})

/** CPU time, not time on the wall: other processes of a shared machine do not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function nanosecondsEach(count: number, run: (index: number) => void): number {
  const startedAt = cpuMs()
  for (let index = 0; index < count; index += 1) run(index)
  return ((cpuMs() - startedAt) * 1e6) / count
}

const entryOf = (index: number, untilSec: number) => ({
  kind: 'token' as const,
  issuer: ISSUER,
  value: idOf(index),
  issuedBeforeSec: undefined,
  fromSec: 1,
  untilSec,
  reason: 'revoked' as const,
})

const list = createBlockList()
const present = Array.from({ length: 10_000 }, (_, index) => callerOf(idOf(index * 97)))
const absent = Array.from({ length: 10_000 }, () => callerOf(randomBytes(32).toString('base64url')))
for (let index = 0; index < ENTRIES; index += 1) entryOf(index, 0)
const before = rssMb()

let longestAddMs = 0
const fillStartedAt = performance.now()
for (let index = 0; index < ENTRIES; index += 1) {
  const entry = entryOf(index, index % 2 === 0 ? 100 : 200)
  const startedAt = performance.now()
  list.add(entry)
  longestAddMs = Math.max(longestAddMs, performance.now() - startedAt)
}
const fillMs = performance.now() - fillStartedAt
const rssGrowthMb = rssMb() - before
const ownMb = list.bytes / 1e6

let found = 0
const ask = (callers: typeof present) => (index: number) => {
  if (list.find(callers[index % callers.length] as (typeof present)[0], 50) !== undefined) found += 1
}
nanosecondsEach(LOOK_UPS / 10, ask(absent))
const absentNs = nanosecondsEach(LOOK_UPS, ask(absent))
const presentNs = nanosecondsEach(LOOK_UPS, ask(present))

let longestSweepMs = 0
let longestSweepCpuMs = 0
let turns = 0
while (list.size > ENTRIES / 2) {
  const cpuBefore = cpuMs()
  const startedAt = performance.now()
  list.sweep(100, () => performance.now() - startedAt > SWEEP_BUDGET_MS)
  longestSweepMs = Math.max(longestSweepMs, performance.now() - startedAt)
  longestSweepCpuMs = Math.max(longestSweepCpuMs, cpuMs() - cpuBefore)
  turns += 1
}

const result = {
  entries: ENTRIES,
  rssGrowthMb: Math.round(rssGrowthMb),
  ownMb: Math.round(ownMb),
  absentNs: Math.round(absentNs),
  presentNs: Math.round(presentNs),
  addUs: Math.round(((fillMs * 1000) / ENTRIES) * 100) / 100,
  longestAddMs: Math.round(longestAddMs * 100) / 100,
  sweptEntries: ENTRIES - list.size,
  sweepTurns: turns,
  longestSweepMs: Math.round(longestSweepMs * 100) / 100,
  longestSweepCpuMs: Math.round(longestSweepCpuMs * 100) / 100,
  found,
}
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
writeResult('revoke.json', `${JSON.stringify(result, null, 2)}\n`)
