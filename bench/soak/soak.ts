// npm run bench:soak: minutes of token churn, with memory sampled; says whether it grows.
import { setTimeout as pause } from 'node:timers/promises'

import { growthShare, lowest } from './growth-share.ts'
import { startBackend } from '../harness/backend.ts'
import { requireTools } from '../harness/installed.ts'
import { residentBytes } from '../harness/proc-stats.ts'
import { CONNECTIONS, stopAll, type Settings } from '../harness/rounds.ts'
import { readMetric, startTollgate, type TollgateServer } from '../load/tollgate.ts'
import { sendTokens } from '../load/start-send-tokens.ts'
import { lineChart } from '../report/line-chart.ts'
import { describeMachine, machineText } from '../report/machine.ts'
import { progress, progressDone } from '../report/progress.ts'
import { budgetText, writeResult, type Budget } from '../report/results.ts'
import { createKeys } from '../verify/keys-and-tokens.ts'

const MOST_SAMPLES = 120
// Among so many samples is one that was taken soon after a collection.
const COLLECTION_SAMPLES = 6
const HEAP_EVERY_MS = 1000
const USES = 3
const MEBIBYTE = 2 ** 20

interface Sample {
  readonly atSec: number
  readonly residentMebibytes: number
  /** The least since the sample before: the heap is a saw whose teeth are a third of it, and only its roots are what lasts. */
  readonly heapMebibytes: number
  readonly tokens: number
  readonly requests: number
}

async function heapMebibytes({ adminUrl }: TollgateServer): Promise<number> {
  return (await readMetric(adminUrl, 'nodejs_heap_size_used_bytes')) / MEBIBYTE
}

/** Waits until then, and says the least that the heap was meanwhile. */
async function leastHeapUntil(dueAt: number, gateway: TollgateServer): Promise<number> {
  let least = Infinity
  for (let left = dueAt - performance.now(); left > 0; left = dueAt - performance.now()) {
    await pause(Math.min(HEAP_EVERY_MS, left))
    least = Math.min(least, await heapMebibytes(gateway))
  }
  return least
}

async function takeSample(gateway: TollgateServer, startedAt: number, leastHeap: number): Promise<Sample> {
  const { pid, adminUrl } = gateway
  return {
    atSec: (performance.now() - startedAt) / 1000,
    residentMebibytes: residentBytes(pid) / MEBIBYTE,
    heapMebibytes: Math.min(leastHeap, await heapMebibytes(gateway)),
    tokens: await readMetric(adminUrl, 'tollgate_token_cache_entries'),
    requests: await readMetric(adminUrl, 'tollgate_requests_total'),
  }
}

/** Memory settles in the first half, when the cache fills; in the second it may not grow. */
function budgetsOf(samples: readonly Sample[]): readonly Budget[] {
  const second = samples.slice(Math.floor(samples.length / 2))
  const points = (pick: (sample: Sample) => number) => second.map((one) => ({ x: one.atSec, value: pick(one) }))
  return [
    {
      name: 'growth of RSS in the second half, share',
      value: growthShare(points((one) => one.residentMebibytes)),
      limit: 0.05,
      kind: 'most',
    },
    {
      name: 'growth of the heap in the second half, share',
      value: growthShare(
        lowest(
          points((one) => one.heapMebibytes),
          COLLECTION_SAMPLES,
        ),
      ),
      limit: 0.05,
      kind: 'most',
    },
  ]
}

export async function benchSoak({ quick }: Settings, minutes: number): Promise<void> {
  requireTools()
  const keys = createKeys('HS256')
  const backend = await startBackend()
  const gateway = await startTollgate({
    name: 'Tollgate',
    upstream: backend.url,
    keys: [keys],
    // A quick run would not fill the default cache: what it shows then is only that the cache fills.
    ...(quick ? { config: { tokens: { cache: { maxTokens: 500 } } } } : {}),
  })
  const client = sendTokens({
    url: gateway.url,
    path: '/api/things',
    status: 200,
    count: Number.MAX_SAFE_INTEGER / USES,
    uses: USES,
    connections: CONNECTIONS,
  })
  const totalSec = minutes * 60
  const count = Math.min(MOST_SAMPLES, Math.max(12, Math.floor(totalSec)))
  const startedAt = performance.now()
  const samples: Sample[] = []
  for (let index = 1; index <= count; index += 1) {
    const leastHeap = await leastHeapUntil(startedAt + (index * totalSec * 1000) / count, gateway)
    client.assertRunning()
    samples.push(await takeSample(gateway, startedAt, leastHeap))
    const last = samples.at(-1)
    progress(
      `soak: ${last?.atSec.toFixed(0)} of ${totalSec} s, ${last?.tokens} tokens remembered, RSS ${last?.residentMebibytes.toFixed(0)} MiB`,
    )
  }
  progressDone()
  await client.stop()
  await stopAll([gateway, backend])
  report(samples, minutes, quick)
}

function report(samples: readonly Sample[], minutes: number, quick: boolean): void {
  const machine = describeMachine(['nginx'])
  const budgets = budgetsOf(samples)
  const last = samples.at(-1)
  const most = Math.max(...samples.map(({ residentMebibytes }) => residentMebibytes))
  const summary = `${minutes} minutes, ${last?.requests} requests, a third of them with a new token; at the end ${last?.tokens} tokens remembered, RSS ${last?.residentMebibytes.toFixed(0)} MiB (most: ${most.toFixed(0)})`
  process.stdout.write(`\n${[summary, ...budgets.map(budgetText), '', machineText(machine)].join('\n')}\n`)
  writeResult('soak.json', `${JSON.stringify({ machine, minutes, summary, budgets, samples }, null, 2)}\n`, quick)
  const panel = (title: string, unit: string, pick: (sample: Sample) => number) => ({
    title,
    unit,
    points: samples.map((sample) => ({
      x: sample.atSec,
      label: `${(sample.atSec / 60).toFixed(1)} min`,
      value: pick(sample),
    })),
  })
  writeResult(
    'soak.svg',
    lineChart(`Memory under token churn, ${minutes} minutes`, `${machine.date}, ${machine.cpu}, Node ${machine.node}`, [
      panel('Resident memory', 'MiB', (sample) => sample.residentMebibytes),
      panel('Heap in use', 'MiB', (sample) => sample.heapMebibytes),
      panel('Tokens remembered', '', (sample) => sample.tokens),
    ]),
    quick,
  )
  if (!quick && budgets.some(({ value, limit }) => !(value <= limit))) process.exitCode = 1
}
