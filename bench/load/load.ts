// The whole gateway under load, beside the floor: CPU time of the process for each request is the figure to compare.
import { startCandidates, type LoadCandidate } from './candidates.ts'
import { cpuMicroseconds, residentMebibytes, startChild, type Child } from './child.ts'
import type { Job, JobResult } from './generator.ts'
import { barChart } from '../report/chart.ts'
import { describeMachine, machineText } from '../report/machine.ts'
import { progress, progressDone } from '../report/progress.ts'
import { budgetText, writeResult, type Budget } from '../report/results.ts'
import { formatTable, median } from '../report/table.ts'

export interface LoadOptions {
  readonly rounds: number
  readonly secondsPerRound: number
}

interface Row {
  readonly name: string
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuMicroseconds: number
  readonly residentMebibytes: number
}

async function assertRight({
  name,
  process: { hello },
  tokens,
  status,
  sawResult,
  path,
}: LoadCandidate): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${hello.port}${path}`, {
    headers: { authorization: `Bearer ${tokens[0] ?? ''}` },
  })
  const body = await response.text()
  const right =
    response.status === status &&
    (sawResult === undefined ||
      (response.headers.get('x-saw-result') === sawResult && body.includes('"hello":"world"')))
  if (!right) throw new Error(`${name} answers ${response.status} ${body.slice(0, 200)}, which is wrong`)
}

async function measure(
  { name, process: child, tokens, status, path, connections }: LoadCandidate,
  generator: Child,
  seconds: number,
): Promise<Row> {
  const before = cpuMicroseconds(child.pid)
  const job: Job = { url: `http://127.0.0.1:${child.hello.port}`, path, tokens, connections, seconds }
  const result = await generator.ask<JobResult>(job)
  const wrong = Object.entries(result.statuses).filter(([seen]) => Number(seen) !== status)
  if (wrong.length > 0 || result.errors > 0)
    throw new Error(`${name} under load: ${JSON.stringify(result.statuses)}, ${result.errors} errors`)
  return {
    name,
    requestsPerSecond: result.requestsPerSecond,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuMicroseconds: (cpuMicroseconds(child.pid) - before) / result.requests,
    residentMebibytes: residentMebibytes(child.pid),
  }
}

function medians(name: string, rows: readonly Row[]): Row {
  const of = (pick: (row: Row) => number) => median(rows.map(pick))
  return {
    name,
    requestsPerSecond: of((row) => row.requestsPerSecond),
    p50Ms: of((row) => row.p50Ms),
    p99Ms: of((row) => row.p99Ms),
    cpuMicroseconds: of((row) => row.cpuMicroseconds),
    residentMebibytes: of((row) => row.residentMebibytes),
  }
}

export async function benchLoad(options: LoadOptions): Promise<void> {
  const candidates = await startCandidates()
  const generator = await startChild('generator.js', [], 1, false)
  for (const candidate of candidates) await assertRight(candidate)
  const rounds = new Map<string, Row[]>(candidates.map(({ name }) => [name, []]))
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const candidate of candidates) {
      progress(`load: ${candidate.name}, ${round === 0 ? 'warm-up' : `round ${round} of ${options.rounds}`}`)
      const row = await measure(candidate, generator, options.secondsPerRound)
      if (round > 0) rounds.get(candidate.name)?.push(row)
    }
  }
  progressDone()
  for (const child of new Set([generator, ...candidates.map(({ process: child }) => child)])) child.end()
  report(
    candidates.map(({ name }) => medians(name, rounds.get(name) ?? [])),
    options,
  )
}

/** Rows of another size of answer are compared with each other only. */
function isLarge(name: string): boolean {
  return name.includes('1 MiB')
}

function report(rows: readonly Row[], options: LoadOptions): void {
  const cpu = (name: string) => rows.find((row) => row.name === name)?.cpuMicroseconds ?? Number.NaN
  const rate = (name: string) => rows.find((row) => row.name === name)?.requestsPerSecond ?? Number.NaN
  const floorOf = ({ name }: Row) => (isLarge(name) ? cpu('floor, 1 MiB answer') : floor)
  const [floor, hit] = [cpu('floor: proxy without auth'), cpu('Tollgate, cache hit')]
  const rejected = rows.filter(({ name }) => name.includes('rejects'))
  const budgets: readonly Budget[] = [
    { name: 'a forwarded request, times the floor (CPU)', value: hit / floor, limit: 1.3, kind: 'most' },
    {
      name: 'a rejected request, times a forwarded one (CPU, mean of the three kinds)',
      value: rejected.reduce((sum, row) => sum + row.cpuMicroseconds, 0) / rejected.length / hit,
      limit: 0.7,
      kind: 'most',
    },
    {
      name: 'answers of 1 MiB, times the throughput of the floor',
      value: rate('Tollgate, 1 MiB answer') / rate('floor, 1 MiB answer'),
      limit: 0.9,
      kind: 'least',
    },
  ]
  const machine = describeMachine()
  const table = formatTable(
    ['candidate', 'requests/s', 'p50 ms', 'p99 ms', 'CPU us/request', 'times floor', 'RSS MiB'],
    rows.map((row) => [
      row.name,
      row.requestsPerSecond,
      row.p50Ms,
      row.p99Ms,
      row.cpuMicroseconds,
      row.cpuMicroseconds / floorOf(row),
      row.residentMebibytes,
    ]),
  )
  process.stdout.write(
    `\nThe whole gateway, RS256, 64 connections, 16 for the large answers\n\n${table}\n\n${budgets.map(budgetText).join('\n')}\n\n${machineText(machine)}\n`,
  )
  writeResult('load.json', `${JSON.stringify({ machine, options, rows, budgets }, null, 2)}\n`)
  const bars = rows
    .filter(({ name }) => !isLarge(name))
    .map(({ name, cpuMicroseconds: value }) => ({
      label: name,
      value,
      highlight: name.startsWith('Tollgate'),
    }))
  writeResult(
    'load.svg',
    barChart('CPU microseconds for one request (less is better)', 'us', machineText(machine).slice(0, 110), [
      { title: 'RS256, 1000 tokens, 64 connections', bars },
    ]),
  )
}
