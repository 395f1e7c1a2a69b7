// The measured tables of the documents, each as text from the JSON of its run.
import type { PeerResult } from '../peers/bench-peers.ts'
import { machineText, type Machine } from './machine.ts'

const figure = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1))

const tableRow = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

const PEER_HEAD = [
  '| | CPU us | times Tollgate | requests/s | p50 ms | p99 ms | RSS MiB |',
  '|---|---|---|---|---|---|---|',
]

const peerRow = (row: PeerResult['rows'][number]) =>
  tableRow([
    row.kind === 'Tollgate' ? `**${row.name}**` : row.name,
    figure(row.cpuMicroseconds),
    row.timesTollgate.toFixed(2),
    ...[row.requestsPerSecond, row.p50Ms, row.p99Ms, row.residentMebibytes].map(figure),
  ])

const cheapestFirst = (rows: PeerResult['rows']) => [...rows].sort((a, b) => a.cpuMicroseconds - b.cpuMicroseconds)

/** The floor, Tollgate and all its peers. `json`: the text of bench/results/peers.json. */
export function peersTable(json: string): string {
  const { rows, missing, machine, settings, connections, tokens } = JSON.parse(json) as PeerResult
  const absent = missing.length === 0 ? '' : ` Not measured here: ${missing.map(({ name }) => name).join('; ')}.`
  return [
    `A small GET with a token that is known, ${connections} connections, ${tokens} tokens, the proxy alone on one core. CPU time of the proxy for each`,
    'request is the figure to compare. “Times Tollgate” is against Tollgate with the same algorithm (RS256 where none is verified).',
    '',
    ...PEER_HEAD,
    ...cheapestFirst(rows).map(peerRow),
    '',
    `Medians of ${settings.rounds} rounds of ${settings.secondsPerRound} s in turn, ${machineText(machine)}.${absent}`,
  ].join('\n')
}

/** What stands in the README: Tollgate, and proxies that readers know. */
const IN_SHORT = [
  'nginx, no auth',
  'HAProxy jwt_verify HS256',
  'floor: node:http + undici, no auth',
  'Tollgate HS256',
  'Tollgate RS256',
  'Tollgate ES256',
  'nginx + njs HS256',
  'HAProxy jwt_verify RS256',
  '@fastify/http-proxy + @fastify/jwt, cached, RS256',
  'HAProxy jwt_verify ES256',
  'Express + express-jwt, RS256',
]

/** `json`: the text of bench/results/peers.json. */
export function peersInShort(json: string): string {
  const { rows, machine } = JSON.parse(json) as PeerResult
  return [
    ...PEER_HEAD,
    ...cheapestFirst(rows.filter(({ name }) => IN_SHORT.includes(name))).map(peerRow),
    '',
    `${machine.date}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}.`,
  ].join('\n')
}

/** The rows of the bench that users ask about, and what they are called in the documents. */
const VERIFICATIONS: readonly (readonly [name: string, title: string])[] = [
  ['Tollgate, hit', '**Tollgate, token known**'],
  ['Tollgate, hit, with scopes and claims', 'Tollgate, token known, and a scope and a role demanded'],
  ['fast-jwt’s cache, hit', 'fast-jwt’s own cache, token known'],
  ['Tollgate, hit, not kept ready', 'Tollgate, only the signature known'],
  ['raw crypto', 'bare crypto'],
  ['Tollgate, miss', 'Tollgate, token new'],
  ['fast-jwt, no cache', 'fast-jwt, no cache'],
  ['jose', 'jose'],
]

interface VerifyResult {
  readonly machine: Machine
  readonly options: { readonly rounds: number }
  readonly rows: readonly { readonly algorithm: string; readonly name: string; readonly microseconds: number }[]
}

/** `json`: the text of bench/results/verify.json. */
export function verifyTable(json: string): string {
  const { machine, options, rows } = JSON.parse(json) as VerifyResult
  const algorithms = [...new Set(rows.map(({ algorithm }) => algorithm))]
  const cell = (name: string, algorithm: string) =>
    rows.find((row) => row.name === name && row.algorithm === algorithm)?.microseconds.toFixed(2) ?? ''
  return [
    'One verification, in microseconds, by algorithm:',
    '',
    tableRow(['', ...algorithms]),
    `|---${'|---'.repeat(algorithms.length)}|`,
    ...VERIFICATIONS.map(([name, title]) => tableRow([title, ...algorithms.map((algorithm) => cell(name, algorithm))])),
    '',
    `Medians of ${options.rounds} rounds, ${machineText(machine)}.`,
  ].join('\n')
}

export interface RenewalResult {
  readonly machine: Machine
  readonly machines: number
  readonly clients: number
  readonly seconds: number
  readonly results: readonly {
    readonly policy: string
    readonly title: string
    readonly tokensPerRenewal: number
    readonly refused: number
    readonly requests: number
    readonly p99AddedMs: number
    readonly redisRoundTrips: number
  }[]
}

/** `json`: the text of bench/results/renewal.json. */
export function renewalTable(json: string): string {
  const { machine, machines, clients, results } = JSON.parse(json) as RenewalResult
  return [
    `${machines} gateways, ${clients} pages with three calls at once, tokens of 10 seconds, each policy on its own:`,
    '',
    '| | tokens minted per renewal | refused though alive | p99 added, ms | Redis round trips per request |',
    '|---|---|---|---|---|',
    ...results.map(({ policy, title, tokensPerRenewal, refused, requests, p99AddedMs, redisRoundTrips }) =>
      tableRow([
        policy === 'tollgate' ? `**${title}, signingKey**` : title,
        tokensPerRenewal.toFixed(2),
        `${refused} of ${requests}`,
        p99AddedMs.toFixed(1),
        (redisRoundTrips / requests).toFixed(2),
      ]),
    ),
    '',
    `${machine.date}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}.`,
  ].join('\n')
}
