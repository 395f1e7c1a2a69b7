// The drill: upstreams that reset, hang, lie and babble, and clients that leave, at random, all at once. The process lives, no
// answer reaches whom it is not for, and afterwards everything is as it was.
import t from 'tap'
import { Agent, request, type IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { drillSize, tellFigure } from '../support/drill-size.ts'
import { startFaultyUpstream } from '../support/faulty-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { pause, waitFor } from '../support/wait-for.ts'

const SECONDS = drillSize(5, 120)
const WORKERS = 48

/** Numbers that are the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

type Outcome = 'served' | 'refused' | 'cut' | 'left'

interface Ask {
  readonly port: number
  readonly agent: Agent
  readonly id: string
  readonly random: () => number
}

/** One request; throws when its answer is not its own. */
function ask({ port, agent, id, random }: Ask): Promise<Outcome> {
  const method = random() < 0.3 ? 'POST' : random() < 0.5 ? 'PUT' : 'GET'
  const body = method === 'GET' ? undefined : Buffer.alloc(Math.floor(random() ** 4 * 400_000), 'x')
  const leavesAfterMs = random() < 0.1 ? random() * 20 : undefined
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, agent, method, path: `/${id}`, headers: { 'x-request-id': id } })
    if (leavesAfterMs !== undefined) setTimeout(() => outgoing.destroy(), leavesAfterMs)
    outgoing.on('error', () => {
      resolve(leavesAfterMs === undefined ? 'cut' : 'left')
    })
    outgoing.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => undefined)
      response.on('close', () => {
        const text = Buffer.concat(chunks).toString('latin1')
        // Half an answer may be cut anywhere.
        const own = `<${id}>`.repeat(text.length / id.length + 1).slice(0, text.length)
        const isOwn = (text === own || text.startsWith('{"type":')) && response.headers['x-request-id'] === id
        if (!isOwn) reject(new Error(`${id} got ${text.slice(0, 200)}`))
        else if (!response.complete) resolve('cut')
        else if (response.headers['x-tollgate'] === undefined) resolve('served')
        else resolve('refused')
      })
    })
    outgoing.end(body)
  })
}

t.test(`${SECONDS} s of faults under load`, { timeout: (SECONDS + 60) * 1000 }, async (t) => {
  const random = seeded(7)
  const [one, two] = [await startFaultyUpstream(t, random), await startFaultyUpstream(t, random)]
  const { port, gateway } = await startTestGateway(t, {
    log: { level: 'silent', access: 'off' },
    upstreams: {
      up: {
        targets: [one.url, two.url, 'http://127.0.0.1:1'],
        connections: 16,
        queue: { max: 30, timeout: '500ms' },
        timeouts: { connect: '500ms', headers: '300ms', idle: '700ms', total: '3s' },
        ejection: { failures: 20, time: '50ms', maxTime: '200ms' },
      },
    },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const agent = new Agent({ keepAlive: true, maxSockets: WORKERS })
  const counts: Record<Outcome, number> = { served: 0, refused: 0, cut: 0, left: 0 }
  const wrong: string[] = []
  let [next, untilMs] = [0, 0]
  async function work(): Promise<void> {
    while (performance.now() < untilMs) {
      next += 1
      await ask({ port, agent, id: `id-${next}`, random }).then(
        (outcome) => (counts[outcome] += 1),
        (error: unknown) => wrong.push(String(error)),
      )
    }
  }
  /** Until nothing is served, waits or is under way at a target any more. */
  async function allDone(): Promise<void> {
    const busy = /^tollgate_(requests_in_flight|upstream_queued\{.*\}|target_in_flight\{.*\}) [^0].*$/m
    const deadline = performance.now() + 10_000
    for (;;) {
      const [left] = busy.exec(await gateway.metrics.text()) ?? []
      if (left === undefined) return
      if (performance.now() > deadline) throw new Error(`it did not end: ${left}`)
      await pause(50)
    }
  }
  async function drill(seconds: number): Promise<void> {
    untilMs = performance.now() + seconds * 1000
    await Promise.all(Array.from({ length: WORKERS }, work))
    await allDone()
  }
  // Once to warm up: compiled code, pools and buffers stay.
  await drill(1.5)
  await pause(500)
  const before = heapBytes()
  await drill(SECONDS)
  t.same(wrong, [], 'each answer is its own')
  t.ok(counts.served > 20 && counts.refused > 20 && counts.cut > 20 && counts.left > 5, JSON.stringify(counts))
  agent.destroy()
  await waitFor(() => one.open() + two.open() === 0, 15_000)
  await allDone()
  const grownMib = (heapBytes() - before) / 1_048_576
  t.ok(grownMib < 8, `the heap is ${grownMib.toFixed(1)} MiB larger after ${next} requests`)
  tellFigure(`${next} requests, ${JSON.stringify(counts)}, heap ${grownMib.toFixed(1)} MiB`)
})
