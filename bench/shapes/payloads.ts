// Payloads of 1 KiB, 64 KiB and 1 MiB, down and up: throughput and CPU against the floor.
import type { Shape, ShapeResult } from './shape.ts'
import { PATHS, PAYLOAD_BYTES } from '../harness/backend.ts'
import { measureRounds, stopAll, type Row } from '../harness/rounds.ts'
import type { Load } from '../harness/wrk.ts'
import { tokenFile } from '../harness/wrk.ts'
import { startFloor } from '../load/start-floor.ts'
import { startTollgate } from '../load/tollgate.ts'
import { createKeys, createTokens } from '../verify/keys-and-tokens.ts'

// The generator holds a request for each token, body and all.
const TOKENS = 10
const WAYS = ['down', 'up'] as const

function sizeText(bytes: number): string {
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`
}

function loadOf(way: 'down' | 'up', bytes: number): Partial<Load> {
  return way === 'down' ? { paths: [PATHS.size(bytes)] } : { method: 'POST', paths: [PATHS.upload], bodyBytes: bytes }
}

export const payloads: Shape = {
  name: 'payloads',
  async measure({ url: upstream }, settings) {
    const keys = createKeys('RS256')
    const tokens = tokenFile(createTokens(keys, TOKENS))
    const servers = [
      await startFloor(upstream),
      await startTollgate({ name: 'Tollgate', upstream, keys: [keys] }),
    ] as const
    const cases = WAYS.flatMap((way) =>
      PAYLOAD_BYTES.map((bytes) => ({ way, bytes, name: `${sizeText(bytes)} ${way}` })),
    )
    const results: { readonly name: string; readonly bytes: number; readonly floor: Row; readonly ours: Row }[] = []
    for (const { way, bytes, name } of cases) {
      const [floor, ours] = await measureRounds(
        `payloads ${name}`,
        servers.map((server) => ({ name: server.name, server, load: { tokens, ...loadOf(way, bytes) } })),
        settings,
      )
      if (floor !== undefined && ours !== undefined) results.push({ name, bytes, floor, ours })
    }
    await stopAll(servers)
    const throughput = (row: Row, bytes: number) => (row.requestsPerSecond * bytes) / 2 ** 20
    const result: ShapeResult = {
      title: 'Payloads, token known, RS256',
      head: [
        'payload',
        'floor MiB/s',
        'Tollgate MiB/s',
        'of floor',
        'floor us/request',
        'Tollgate us/request',
        'RSS MiB',
      ],
      rows: results.map(({ name, bytes, floor, ours }) => [
        name,
        throughput(floor, bytes),
        throughput(ours, bytes),
        ours.requestsPerSecond / floor.requestsPerSecond,
        floor.cpuMicroseconds,
        ours.cpuMicroseconds,
        ours.residentMebibytes,
      ]),
      budgets: results
        .filter(({ bytes }) => bytes === 2 ** 20)
        .map(({ name, floor, ours }) => ({
          name: `${name}: throughput, times the floor’s`,
          value: ours.requestsPerSecond / floor.requestsPerSecond,
          limit: 0.9,
          kind: 'least' as const,
        })),
    }
    return [result]
  },
}
