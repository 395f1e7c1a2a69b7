// The drill: the wall clock of a real gateway is set at random, years either way, while it works. Nothing hangs, no deadline comes
// sooner or later than it is due, and no answer is lost.
import t from 'tap'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { drillSize, tellFigure } from '../support/drill-size.ts'
import { start, temporaryDirectory } from '../support/gateway-process.ts'
import { requireComponent } from '../support/require-component.ts'
import { pause } from '../support/wait-for.ts'

const SECONDS = drillSize(4, 120)
const HEADERS_MS = 700
const TOTAL_MS = 1500
const CLIENTS = 8

interface Answered {
  /** 0 when it was cut short. */
  readonly status: number
  readonly tookMs: number
}

function ask(url: string, path: string, agent: Agent): Promise<Answered> {
  const begunMs = performance.now()
  return new Promise((resolve, reject) => {
    request(url + path, { agent }, (response) => {
      response
        .resume()
        .on('error', () => undefined)
        .on('close', () => {
          resolve({ status: response.complete ? (response.statusCode ?? 0) : 0, tookMs: performance.now() - begunMs })
        })
    })
      .on('error', reject)
      .end()
  })
}

/** Answers `/quick` at once and `/slow` after a while; `/silent` gets none, and `/endless` one that has no end. */
async function startUpstream() {
  const server = createServer((incoming, response) => {
    if (incoming.url === '/quick') response.end('ok')
    if (incoming.url === '/slow') setTimeout(() => response.end('ok'), 300)
    if (incoming.url !== '/endless') return
    const talking = setInterval(() => response.write('more'), 100)
    response.on('close', () => {
      clearInterval(talking)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const hasFaketime = requireComponent(t, 'faketime', '/usr/bin/faketime')

/** Debian puts it where the libraries of the machine's kind are. */
function faketimeLibrary(): string {
  const kind = readdirSync('/usr/lib').find((name) => existsSync(`/usr/lib/${name}/faketime/libfaketimeMT.so.1`))
  return `/usr/lib/${kind ?? 'none'}/faketime/libfaketimeMT.so.1`
}

t.test(
  `${SECONDS} s of a clock that is set at random`,
  { skip: !hasFaketime, timeout: (SECONDS + 60) * 1000 },
  async (t) => {
    const target = await startUpstream()
    const clock = join(temporaryDirectory(t), 'offset')
    const jumpTo = (seconds: number) => {
      writeFileSync(clock, `${seconds < 0 ? '' : '+'}${seconds.toFixed(1)}`)
    }
    jumpTo(0)
    const { url, child } = await start(
      t,
      `listen: { port: 0 }
admin: { port: 0 }
log: { access: "off" }
upstreams:
  up: { targets: ["${target}"], retries: 0, timeouts: { headers: ${HEADERS_MS}ms, total: ${TOTAL_MS}ms } }
  narrow: { targets: ["${target}"], connections: 1, queue: { timeout: 5s }, timeouts: { headers: 5s } }
routes:
  - { path: /*, upstream: up, auth: none }
  - { path: /narrow/*, upstream: narrow, rewrite: /*, auth: none }
`,
      {
        LD_PRELOAD: faketimeLibrary(),
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    )
    const agent = new Agent({ keepAlive: true })
    const untilMs = performance.now() + SECONDS * 1000
    const wrong: string[] = []
    const counts = { jumps: 0, quick: 0, slow: 0, queued: 0, silent: 0, endless: 0 }
    async function repeat(kind: keyof typeof counts, path: string, status: number, leastMs: number, mostMs: number) {
      while (performance.now() < untilMs) {
        const { status: got, tookMs } = await ask(url, path, agent)
        counts[kind] += 1
        if (got !== status || tookMs < leastMs || tookMs > mostMs)
          wrong.push(`${path}: ${got} after ${tookMs.toFixed(0)} ms`)
        await pause(5)
      }
    }
    async function jump() {
      while (performance.now() < untilMs) {
        jumpTo((Math.random() - 0.5) * 10 ** (1 + Math.random() * 8))
        counts.jumps += 1
        await pause(Math.random() * 100)
      }
    }
    // A loaded machine is late, but never early.
    const lateMs = 3000
    await Promise.all([
      jump(),
      ...Array.from({ length: CLIENTS }, () => repeat('quick', '/quick', 200, 0, lateMs)),
      ...Array.from({ length: 2 }, () => repeat('slow', '/slow', 200, 290, 300 + lateMs)),
      ...Array.from({ length: 3 }, () => repeat('queued', '/narrow/slow', 200, 290, 900 + lateMs)),
      repeat('silent', '/silent', 504, HEADERS_MS - 5, HEADERS_MS + lateMs),
      repeat('endless', '/endless', 0, TOTAL_MS - 5, TOTAL_MS + lateMs),
    ])
    agent.destroy()
    t.same(wrong, [])
    t.equal(child.exitCode, null)
    t.ok(counts.jumps > 10 && counts.quick > 20 && counts.silent > 1 && counts.endless > 0, JSON.stringify(counts))
    tellFigure(`${JSON.stringify(counts)}, ${wrong.length} wrong or late`)
  },
)
