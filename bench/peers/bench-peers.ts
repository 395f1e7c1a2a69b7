// npm run bench:peers: the floor, Tollgate and its peers in one run, and where Tollgate stands.
import { EXPRESS, FASTIFY, FLOOR, peers, type KeysByAlgorithm, type Peer } from './peers.ts'
import { assertRight } from '../harness/assert-right.ts'
import { startBackend } from '../harness/backend.ts'
import { requireTools } from '../harness/installed.ts'
import { CONNECTIONS, measureRounds, stopAll, type Candidate, type Row, type Settings } from '../harness/rounds.ts'
import type { Server } from '../harness/server.ts'
import { tokenFile } from '../harness/wrk.ts'
import { barChart } from '../report/chart.ts'
import { describeMachine, machineText, type Machine } from '../report/machine.ts'
import { budgetText, writeResult, type Budget } from '../report/results.ts'
import { progress } from '../report/progress.ts'
import { formatTable } from '../report/table.ts'
import { ALGORITHMS, createKeys, createTokens } from '../verify/keys-and-tokens.ts'

const TOKENS = 1000

export interface PeerRow extends Row {
  readonly kind: Peer['kind']
  readonly algorithm: string | undefined
  /** CPU for a request, times what Tollgate takes with the same algorithm (RS256 where none is verified). */
  readonly timesTollgate: number
}

export interface PeerResult {
  readonly machine: Machine
  readonly settings: Settings
  readonly connections: number
  readonly tokens: number
  readonly rows: readonly PeerRow[]
  /** Peers that were not measured, and why. */
  readonly missing: readonly { readonly name: string; readonly why: string }[]
  readonly budgets: readonly Budget[]
}

type TokensByAlgorithm = Readonly<Record<string, { readonly good: readonly string[]; readonly file: string }>>

async function startPeer(peer: Peer, upstream: string, keys: KeysByAlgorithm, tokens: TokensByAlgorithm) {
  const algorithm = peer.algorithm ?? 'RS256'
  const server = await peer.start(upstream, keys)
  const { good = [], file = '' } = tokens[algorithm] ?? {}
  try {
    await assertRight({
      name: peer.name,
      url: server.url,
      good: good[0] ?? '',
      verifies: peer.algorithm !== undefined,
      bad: [
        ...createTokens(keys[algorithm], 1, { iat: 1000, exp: 2000 }),
        ...createTokens(keys[algorithm], 1, { iss: 'https://other.example.com/' }),
        ...createTokens(keys[algorithm], 1, { aud: 'another-api' }),
      ],
    })
  } catch (error) {
    await server.stop()
    throw error
  }
  return { name: peer.name, server, load: { tokens: file } } satisfies Candidate
}

function budgetsOf(rows: readonly Row[]): readonly Budget[] {
  const cpu = (name: string) => rows.find((row) => row.name === name)?.cpuMicroseconds ?? Number.NaN
  const ratio = (name: string, value: number, limit: number, kind: Budget['kind']): Budget => ({
    name: `CPU for a request: ${name}`,
    value,
    limit,
    kind,
  })
  const rs256 = cpu('Tollgate RS256')
  return [
    ratio('Tollgate RS256, times the floor', rs256 / cpu(FLOOR), 1.25, 'most'),
    ratio('Tollgate RS256, times HAProxy RS256', rs256 / cpu('HAProxy jwt_verify RS256'), 1, 'most'),
    ratio('Tollgate ES256, times HAProxy ES256', cpu('Tollgate ES256') / cpu('HAProxy jwt_verify ES256'), 0.45, 'most'),
    ratio('Tollgate HS256, times nginx + njs HS256', cpu('Tollgate HS256') / cpu('nginx + njs HS256'), 1, 'most'),
    ratio('@fastify/http-proxy + @fastify/jwt, times Tollgate RS256', cpu(FASTIFY) / rs256, 1.7, 'least'),
    ratio('Express + express-jwt, times Tollgate RS256', cpu(EXPRESS) / rs256, 10, 'least'),
  ].filter(({ value }) => !Number.isNaN(value))
}

export async function benchPeers(settings: Settings): Promise<PeerResult> {
  requireTools()
  const keys = Object.fromEntries(ALGORITHMS.map((name) => [name, createKeys(name)])) as unknown as KeysByAlgorithm
  const tokens: TokensByAlgorithm = Object.fromEntries(
    ALGORITHMS.map((name) => {
      const good = createTokens(keys[name], TOKENS)
      return [name, { good, file: tokenFile(good) }]
    }),
  )
  const backend = await startBackend()
  const servers: Server[] = [backend]
  const missing: { name: string; why: string }[] = []
  const candidates: Candidate[] = []
  for (const peer of peers) {
    progress(`peers: starting ${peer.name}`)
    const why = peer.missing()
    if (why !== undefined) {
      missing.push({ name: peer.name, why })
      continue
    }
    try {
      const candidate = await startPeer(peer, backend.url, keys, tokens)
      servers.push(candidate.server)
      candidates.push(candidate)
    } catch (error) {
      if (peer.kind === 'Tollgate' || peer.kind === 'floor') throw error
      missing.push({ name: peer.name, why: (error as Error).message })
    }
  }
  const measured = await measureRounds('peers', candidates, settings, (name, why) => {
    if (name === FLOOR || name.startsWith('Tollgate')) throw new Error(`${name}: ${why}`)
    missing.push({ name, why })
  })
  await stopAll(servers)

  const cpuOf = (algorithm: string) =>
    measured.find(({ name }) => name === `Tollgate ${algorithm}`)?.cpuMicroseconds ?? Number.NaN
  const rows = measured.map((row): PeerRow => {
    const peer = peers.find(({ name }) => name === row.name)
    const timesTollgate = row.cpuMicroseconds / cpuOf(peer?.algorithm ?? 'RS256')
    return { ...row, kind: peer?.kind ?? 'native', algorithm: peer?.algorithm, timesTollgate }
  })
  const result: PeerResult = {
    machine: describeMachine(['haproxy', 'nginx', 'wrk']),
    settings,
    connections: CONNECTIONS,
    tokens: TOKENS,
    rows,
    missing,
    budgets: budgetsOf(measured),
  }
  report(result)
  return result
}

function report(result: PeerResult): void {
  const { rows, missing, budgets, machine, settings } = result
  const table = formatTable(
    ['proxy', 'CPU us/request', 'times Tollgate', 'requests/s', 'p50 ms', 'p99 ms', 'RSS MiB'],
    rows.map((row) => [
      row.name,
      row.cpuMicroseconds,
      row.timesTollgate,
      row.requestsPerSecond,
      row.p50Ms,
      row.p99Ms,
      row.residentMebibytes,
    ]),
  )
  const absent = missing.map(({ name, why }) => `not measured: ${name}: ${why}`)
  process.stdout.write(`\n${[table, ...absent, '', ...budgets.map(budgetText), '', machineText(machine)].join('\n')}\n`)
  writeResult('peers.json', `${JSON.stringify(result, null, 2)}\n`, settings.quick)
  const group = (title: string, kept: (row: PeerRow) => boolean) => ({
    title,
    bars: rows
      .filter(kept)
      .sort((a, b) => a.cpuMicroseconds - b.cpuMicroseconds)
      .map(({ name, kind, cpuMicroseconds }) => ({
        label: name,
        value: cpuMicroseconds,
        highlight: kind === 'Tollgate',
      })),
  })
  const groups = [
    group('No token is verified', ({ algorithm }) => algorithm === undefined),
    ...ALGORITHMS.map((name) => group(name, ({ algorithm }) => algorithm === name)),
  ]
  writeResult(
    'peers.svg',
    barChart(
      'CPU microseconds for one request (less is better)',
      'us',
      `${machine.date}, ${machine.cpu}, Node ${machine.node}; 1000 tokens, 64 connections, medians of ${settings.rounds} rounds in turn`,
      groups.filter(({ bars }) => bars.length > 0),
    ),
    settings.quick,
  )
}
