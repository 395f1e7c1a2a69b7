// npm run bench:reload: a gateway of 1000 routes under load, for a while without reloads and for a while with one each 5 s.
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

import { startBackend } from '../harness/backend.ts'
import { requireTools } from '../harness/installed.ts'
import { residentBytes } from '../harness/proc-stats.ts'
import { CONNECTIONS, stopAll, type Settings } from '../harness/rounds.ts'
import { runLoad, tokenFile, type LoadResult } from '../harness/wrk.ts'
import { readMetric, startTollgate, type TollgateServer } from '../load/tollgate.ts'
import { describeMachine, machineText } from '../report/machine.ts'
import { progress, progressDone } from '../report/progress.ts'
import { budgetText, writeResult, type Budget } from '../report/results.ts'
import { claimsOf, createKeys } from '../verify/keys-and-tokens.ts'

const ROUTES = 1000
const TOKENS = 1000
const EVERY_SEC = 5
/** A run that is shorter says nothing, and is not kept. */
const LEAST_SECONDS = 60
/** Long enough for collections of garbage, whose least is what lasts. */
const SETTLE_SECONDS = 10
const SAMPLE_EVERY_MS = 200
const MEBIBYTE = 2 ** 20
const ADMIN_TOKEN = 'an-admin-token-that-only-this-bench-has'

interface Memory {
  readonly heapMebibytes: number
  readonly residentMebibytes: number
}

interface Phase {
  readonly load: LoadResult
  /** Under the same load, after it. */
  readonly memory: Memory
  /** How long each reload took until it was answered. */
  readonly reloadsMs: readonly number[]
}

const pathOf = (index: number) => `/api/service-${index}`

/** The last route has another path with each reload, so that none is of the config that runs. */
function routesOf(turn: number): readonly object[] {
  return Array.from({ length: ROUTES }, (_, index) => ({
    path: index === ROUTES - 1 ? `/api/turn-${turn}` : `${pathOf(index)}/*`,
    upstream: 'backend',
    require: { scopes: { all: ['things:read'] } },
  }))
}

async function reload({ adminUrl, file, config }: TollgateServer, turn: number): Promise<number> {
  writeFileSync(file, JSON.stringify({ ...config, routes: routesOf(turn) }))
  const startedAt = performance.now()
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  const response = await fetch(`${adminUrl}/api/reload`, { method: 'POST', headers })
  const text = await response.text()
  if (!response.ok) throw new Error(`a reload was answered ${response.status}: ${text.slice(0, 500)}`)
  return performance.now() - startedAt
}

/** The least of some seconds: a heap is a saw, and only its roots are what lasts. */
async function leastMemory({ adminUrl, pid }: TollgateServer, isOver: () => boolean): Promise<Memory> {
  let least: Memory = { heapMebibytes: Infinity, residentMebibytes: Infinity }
  do {
    const heap = (await readMetric(adminUrl, 'nodejs_heap_size_used_bytes')) / MEBIBYTE
    least = {
      heapMebibytes: Math.min(least.heapMebibytes, heap),
      residentMebibytes: Math.min(least.residentMebibytes, residentBytes(pid) / MEBIBYTE),
    }
    await pause(SAMPLE_EVERY_MS)
  } while (!isOver())
  return least
}

export async function benchReload({ secondsPerRound: seconds }: Settings): Promise<void> {
  requireTools()
  const keys = createKeys('HS256')
  const tokens = tokenFile(Array.from({ length: TOKENS }, (_, index) => keys.sign(claimsOf(index))))
  const backend = await startBackend()
  const gateway = await startTollgate({
    ...{ name: 'Tollgate', upstream: backend.url, keys: [keys], adminToken: ADMIN_TOKEN },
    config: { routes: routesOf(0) },
  })
  const paths = Array.from({ length: ROUTES - 1 }, (_, index) => `${pathOf(index)}/things`)
  const run = (forSeconds: number) =>
    runLoad({ url: gateway.url, tokens, paths, connections: CONNECTIONS, seconds: forSeconds, refused: false })
  let turn = 0

  async function measure(name: string, reloadEverySec: number | undefined): Promise<Phase> {
    progress(`${name}: ${seconds} s`)
    const reloadsMs: number[] = []
    let isOver = false
    const load = run(seconds).finally(() => (isOver = true))
    while (reloadEverySec !== undefined) {
      await Promise.race([pause(reloadEverySec * 1000), load])
      if (isOver) break
      reloadsMs.push(await reload(gateway, (turn += 1)))
    }
    const measured = await load
    isOver = false
    const settling = run(Math.min(SETTLE_SECONDS, seconds)).finally(() => (isOver = true))
    const [memory] = await Promise.all([leastMemory(gateway, () => isOver), settling])
    return { load: measured, memory, reloadsMs }
  }

  const everySec = Math.min(EVERY_SEC, seconds / 3)
  await measure('warm up', everySec)
  const without = await measure('without reloads', undefined)
  const during = await measure(`with a reload each ${everySec.toFixed(1)} s`, everySec)
  progressDone()
  await stopAll([gateway, backend])
  report(without, during, seconds)
}

function phaseText(name: string, { load, memory, reloadsMs }: Phase): string {
  const { p50Ms, p99Ms, longestMs, requests } = load
  const answers = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, longest ${longestMs.toFixed(0)} ms`
  const held = `heap ${memory.heapMebibytes.toFixed(1)} MiB, RSS ${memory.residentMebibytes.toFixed(0)} MiB`
  const reloads = `${reloadsMs.length} reloads, the longest ${Math.max(0, ...reloadsMs).toFixed(0)} ms`
  return `${name}: ${requests} requests, ${answers}; ${held}; ${reloads}`
}

function report(without: Phase, during: Phase, seconds: number): void {
  const machine = describeMachine(['nginx', 'wrk'])
  const budget = (name: string, value: number, limit: number): Budget => ({ name, value, limit, kind: 'most' })
  const budgets = [
    budget('p99 with reloads / without', during.load.p99Ms / without.load.p99Ms, 3),
    budget('heap after reloads / before', during.memory.heapMebibytes / without.memory.heapMebibytes, 1.1),
    budget('RSS after reloads / before', during.memory.residentMebibytes / without.memory.residentMebibytes, 1.1),
  ]
  const lines = [
    phaseText('without reloads', without),
    phaseText('with reloads', during),
    `a reload of ${ROUTES} routes holds requests up for at most ${during.load.longestMs.toFixed(0)} ms (the longest response; without: ${without.load.longestMs.toFixed(0)} ms)`,
    ...budgets.map(budgetText),
  ]
  process.stdout.write(`\n${[...lines, '', machineText(machine)].join('\n')}\n`)
  const isShort = seconds < LEAST_SECONDS
  writeResult('reload.json', `${JSON.stringify({ machine, seconds, without, during, budgets }, null, 2)}\n`, isShort)
  if (!isShort && budgets.some(({ value, limit }) => !(value <= limit))) process.exitCode = 1
}
