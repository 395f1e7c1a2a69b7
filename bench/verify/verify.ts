// How long one verification takes, by algorithm: all candidates in one process, in turn, medians of the rounds.
import { createCandidates, type Candidate } from './candidates.ts'
import { ALGORITHMS, createKeys, createTokens, forge, type BenchAlgorithm } from './keys-and-tokens.ts'
import { barChart } from '../report/chart.ts'
import { describeMachine, machineText } from '../report/machine.ts'
import { progress, progressDone } from '../report/progress.ts'
import { budgetText, writeResult, type Budget } from '../report/results.ts'
import { formatTable, median } from '../report/table.ts'

export interface VerifyOptions {
  readonly rounds: number
  readonly secondsPerRound: number
}

const TOKENS = 1000
const BATCH = 50

interface Row {
  readonly algorithm: BenchAlgorithm
  readonly name: string
  readonly ours: boolean
  readonly microseconds: number
}

/** Strings as a server has them: new ones out of a buffer, whose hash is not known yet. */
function createSource(tokens: readonly string[]): () => string {
  const buffers = tokens.map((token) => Buffer.from(token, 'latin1'))
  let index = 0
  return () => {
    index = (index + 1) % buffers.length
    return (buffers[index] as Buffer).toString('latin1')
  }
}

/** What every candidate pays before it starts: a server has the string from its parser. */
const STRING = 'making the string'

async function assertRight({ name, check }: Candidate, token: string, algorithm: string): Promise<void> {
  if (name === STRING) return
  if (!(await check(token)) || (await check(forge(token))))
    throw new Error(`${name} does not tell a good ${algorithm} token from a forged one`)
}

async function measure({ check }: Candidate, next: () => string, seconds: number): Promise<number> {
  for (let warm = 0; warm < 2 * TOKENS; warm += 1) await check(next())
  const isAsync = check(next()) instanceof Promise
  const startedAt = performance.now()
  const endAt = startedAt + seconds * 1000
  let count = 0
  while (performance.now() < endAt) {
    if (isAsync) await Promise.all(Array.from({ length: BATCH }, async () => check(next())))
    else for (let turn = 0; turn < BATCH; turn += 1) void check(next())
    count += BATCH
  }
  return ((performance.now() - startedAt) * 1000) / count
}

async function measureAlgorithm(algorithm: BenchAlgorithm, { rounds, secondsPerRound }: VerifyOptions): Promise<Row[]> {
  const keys = createKeys(algorithm)
  const tokens = createTokens(keys, TOKENS)
  const candidates = createCandidates(keys)
  for (const candidate of candidates) await assertRight(candidate, tokens[0] ?? '', algorithm)
  const figures = new Map(candidates.map(({ name }) => [name, [] as number[]]))
  for (let round = 1; round <= rounds; round += 1) {
    for (const candidate of candidates) {
      progress(`verify ${algorithm}: ${candidate.name}, round ${round} of ${rounds}`)
      figures.get(candidate.name)?.push(await measure(candidate, createSource(tokens), secondsPerRound))
    }
  }
  return candidates.map(({ name, ours }) => ({ algorithm, name, ours, microseconds: median(figures.get(name) ?? []) }))
}

export async function benchVerify(options: VerifyOptions): Promise<void> {
  const rows: Row[] = []
  for (const algorithm of ALGORITHMS) rows.push(...(await measureAlgorithm(algorithm, options)))
  progressDone()
  const figure = (algorithm: BenchAlgorithm, name: string) =>
    rows.find((row) => row.algorithm === algorithm && row.name === name)?.microseconds ?? Number.NaN
  const budgets: readonly Budget[] = [
    ...ALGORITHMS.map((algorithm): Budget => ({
      name: `${algorithm} hit, microseconds beyond making the string`,
      value: figure(algorithm, 'Tollgate, hit') - figure(algorithm, STRING),
      limit: 1.5,
      kind: 'most',
    })),
    {
      name: 'RS256 hit, times faster than fast-jwt’s cache',
      value: figure('RS256', 'fast-jwt’s cache, hit') / figure('RS256', 'Tollgate, hit'),
      limit: 2.5,
      kind: 'least',
    },
    {
      name: 'scopes and claims, microseconds beyond a hit (RS256)',
      value: figure('RS256', 'Tollgate, hit, with scopes and claims') - figure('RS256', 'Tollgate, hit'),
      limit: 0.3,
      kind: 'most',
    },
    ...(['RS256', 'ES256'] as const).map((algorithm): Budget => ({
      name: `${algorithm} miss, times raw crypto`,
      value: figure(algorithm, 'Tollgate, miss') / figure(algorithm, 'raw crypto'),
      limit: 1.15,
      kind: 'most',
    })),
  ]
  const machine = describeMachine()
  const table = formatTable(
    ['algorithm', 'candidate', 'us', 'per second', 'times a hit'],
    rows.map(({ algorithm, name, microseconds }) => [
      algorithm,
      name,
      microseconds,
      1e6 / microseconds,
      microseconds / figure(algorithm, 'Tollgate, hit'),
    ]),
  )
  process.stdout.write(
    `\nOne verification\n\n${table}\n\n${budgets.map(budgetText).join('\n')}\n\n${machineText(machine)}\n`,
  )
  writeResult('verify.json', `${JSON.stringify({ machine, options, rows, budgets }, null, 2)}\n`)
  const groups = ALGORITHMS.map((algorithm) => ({
    title: algorithm,
    bars: rows
      .filter((row) => row.algorithm === algorithm)
      .map(({ name, ours, microseconds }) => ({ label: name, value: microseconds, highlight: ours })),
  }))
  writeResult(
    'verify.svg',
    barChart('Microseconds for one verification (less is better)', 'us', machineText(machine).slice(0, 110), groups),
  )
}
