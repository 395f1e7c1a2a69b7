// How long one verification takes, by algorithm: all candidates in one process, in short turns, medians of the turns.
import { createCandidates, type Candidate } from './candidates.ts'
import { collectYoungGarbage } from './collect-garbage.ts'
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
/** A round is cut into turns so that a busy moment of the machine falls on all candidates alike. */
const TURNS = 10
const WARM_UP_OF_A_TURN = 100

interface Row {
  readonly algorithm: BenchAlgorithm
  readonly name: string
  readonly ours: boolean
  readonly microseconds: number
  /** One for each turn: those of two candidates with the same index were measured side by side. */
  readonly turns: readonly number[]
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

async function warmUp({ check }: Candidate, next: () => string, calls: number): Promise<void> {
  for (let call = 0; call < calls; call += 1) await check(next())
}

/** Each turn pays for what it leaves, and for nothing else: uncollected, the garbage of one candidate is the next one's time. */
async function measure(candidate: Candidate, next: () => string, seconds: number): Promise<number> {
  const { check } = candidate
  await warmUp(candidate, next, WARM_UP_OF_A_TURN)
  const isAsync = check(next()) instanceof Promise
  collectYoungGarbage()
  const startedAt = performance.now()
  const endAt = startedAt + seconds * 1000
  let count = 0
  while (performance.now() < endAt) {
    if (isAsync) await Promise.all(Array.from({ length: BATCH }, async () => check(next())))
    else for (let turn = 0; turn < BATCH; turn += 1) void check(next())
    count += BATCH
  }
  collectYoungGarbage()
  return ((performance.now() - startedAt) * 1000) / count
}

async function measureAlgorithm(algorithm: BenchAlgorithm, { rounds, secondsPerRound }: VerifyOptions): Promise<Row[]> {
  const keys = createKeys(algorithm)
  const tokens = createTokens(keys, TOKENS)
  const candidates = createCandidates(keys)
  for (const candidate of candidates) await assertRight(candidate, tokens[0] ?? '', algorithm)
  const turns = new Map(candidates.map(({ name }) => [name, [] as number[]]))
  const sources = new Map(candidates.map(({ name }) => [name, createSource(tokens)]))
  const sourceOf = ({ name }: Candidate) => sources.get(name) as () => string
  for (const candidate of candidates) await warmUp(candidate, sourceOf(candidate), 2 * TOKENS)
  for (let round = 1; round <= rounds; round += 1) {
    progress(`verify ${algorithm}: round ${round} of ${rounds}`)
    for (let turn = 0; turn < TURNS; turn += 1) {
      for (const candidate of candidates)
        turns.get(candidate.name)?.push(await measure(candidate, sourceOf(candidate), secondsPerRound / TURNS))
    }
  }
  return candidates.map(({ name, ours }) => {
    const figures = turns.get(name) ?? []
    return { algorithm, name, ours, microseconds: median(figures), turns: figures }
  })
}

export async function benchVerify(options: VerifyOptions): Promise<void> {
  const rows: Row[] = []
  for (const algorithm of ALGORITHMS) rows.push(...(await measureAlgorithm(algorithm, options)))
  progressDone()
  const rowOf = (algorithm: BenchAlgorithm, name: string) =>
    rows.find((row) => row.algorithm === algorithm && row.name === name)
  const figure = (algorithm: BenchAlgorithm, name: string) => rowOf(algorithm, name)?.microseconds ?? Number.NaN
  /** Of the turns, not of the medians: what two candidates had in common in a turn is in both. */
  const compare = (
    algorithm: BenchAlgorithm,
    names: readonly [string, string],
    by: (a: number, b: number) => number,
  ) => {
    const [first, second] = names.map((name) => rowOf(algorithm, name)?.turns ?? [])
    return median((first ?? []).map((value, index) => by(value, second?.[index] ?? Number.NaN)))
  }
  const difference = (a: number, b: number) => a - b
  const ratio = (a: number, b: number) => a / b
  const budgets: readonly Budget[] = [
    ...ALGORITHMS.map((algorithm): Budget => ({
      name: `${algorithm} hit, microseconds beyond making the string`,
      value: compare(algorithm, ['Tollgate, hit', STRING], difference),
      limit: 1.5,
      kind: 'most',
    })),
    {
      name: 'RS256 hit, times faster than fast-jwt’s cache',
      value: compare('RS256', ['fast-jwt’s cache, hit', 'Tollgate, hit'], ratio),
      limit: 2.5,
      kind: 'least',
    },
    {
      name: 'scopes and claims, microseconds beyond a hit (RS256)',
      value: compare('RS256', ['Tollgate, hit, with scopes and claims', 'Tollgate, hit'], difference),
      limit: 0.3,
      kind: 'most',
    },
    ...(['RS256', 'ES256'] as const).map((algorithm): Budget => ({
      name: `${algorithm} miss, times raw crypto`,
      value: compare(algorithm, ['Tollgate, miss', 'raw crypto'], ratio),
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
  writeResult(
    'verify.json',
    `${JSON.stringify({ machine, options, rows: rows.map(({ turns: _turns, ...row }) => row), budgets }, null, 2)}\n`,
  )
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
