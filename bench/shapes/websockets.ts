// WebSockets: what an idle one takes of memory, and what a message takes of CPU on its way through.
import { setTimeout as pause } from 'node:timers/promises'

import { affordableConnections } from './idle.ts'
import type { Shape } from './shape.ts'
import { freePort } from '../harness/free-port.ts'
import { startScriptedClient } from '../harness/scripted-client.ts'
import { cpuMicroseconds, residentBytes } from '../harness/proc-stats.ts'
import { CONNECTIONS, stopAll, type Settings } from '../harness/rounds.ts'
import { LOAD_CORE, nodeServer } from '../harness/server.ts'
import { startTollgate, type TollgateServer } from '../load/tollgate.ts'
import { progress, progressDone } from '../report/progress.ts'
import { median } from '../report/table.ts'
import { createKeys, createTokens } from '../verify/keys-and-tokens.ts'

const CLIENT = new URL('websocket-client.js', import.meta.url)
const OPEN_MS = 60_000
const SETTLE_MS = 3000

const urlOf = (gateway: TollgateServer) => `${gateway.url.replace('http', 'ws')}/api/socket`

/** CPU of the gateway for one message, either way: a round of ping-pong is two. */
async function microsecondsPerMessage(gateway: TollgateServer, token: string, seconds: number): Promise<number> {
  const client = startScriptedClient(CLIENT, [urlOf(gateway), token, String(CONNECTIONS), String(seconds)])
  await client.line(OPEN_MS)
  const before = cpuMicroseconds(gateway.pid)
  const rounds = Number((await client.line(seconds * 1000 + OPEN_MS)).replace('rounds ', ''))
  const used = cpuMicroseconds(gateway.pid) - before
  await client.stop()
  return used / (2 * rounds)
}

async function memoryOfIdle(gateway: TollgateServer, token: string, count: number): Promise<number> {
  const before = residentBytes(gateway.pid)
  const client = startScriptedClient(CLIENT, [urlOf(gateway), token, String(count), '0'])
  await client.line(OPEN_MS)
  await pause(SETTLE_MS)
  const each = (residentBytes(gateway.pid) - before) / count / 1024
  await client.stop()
  return each
}

async function measureMessages(gateway: TollgateServer, token: string, { rounds, secondsPerRound }: Settings) {
  const figures: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    progress(`websockets: messages, ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}`)
    const figure = await microsecondsPerMessage(gateway, token, secondsPerRound)
    if (round > 0) figures.push(figure)
  }
  progressDone()
  return median(figures)
}

export const websockets: Shape = {
  name: 'websockets',
  async measure(_backend, settings) {
    const echo = await nodeServer(
      new URL('websocket-echo.js', import.meta.url),
      'echo',
      await freePort(),
      [],
      LOAD_CORE,
    )
    const keys = createKeys('RS256')
    const [token = ''] = createTokens(keys, 1)
    const gateway = await startTollgate({
      name: 'Tollgate',
      upstream: echo.url,
      keys: [keys],
      config: { routes: [{ path: '/api/*', upstream: 'backend', websocket: true }] },
    })
    const perMessage = await measureMessages(gateway, token, settings)
    const count = affordableConnections(2, settings.quick)
    const eachKiB = await memoryOfIdle(gateway, token, count)
    await stopAll([gateway, echo])
    return [
      {
        title: 'WebSockets',
        head: ['what', 'value', 'unit'],
        rows: [
          [`an idle WebSocket (of ${count})`, eachKiB, 'KiB of memory'],
          [`a message of 100 bytes (${CONNECTIONS} sockets, ping-pong)`, perMessage, 'us of CPU'],
        ],
        budgets: [
          { name: 'memory of an idle WebSocket, KiB', value: eachKiB, limit: 64, kind: 'most' },
          { name: 'CPU for a WebSocket message, us', value: perMessage, limit: 60, kind: 'most' },
        ],
      },
    ]
  },
}
