// Candidates measured in turn, round by round, so that a slow minute of the machine is everybody's; medians of the rounds.
import { cpuMicroseconds, residentBytes } from './proc-stats.ts'
import type { Server } from './server.ts'
import { runLoad, type Load } from './wrk.ts'
import { progress, progressDone } from '../report/progress.ts'
import { median } from '../report/table.ts'

export interface Settings {
  readonly rounds: number
  readonly secondsPerRound: number
  /** Everything small and short: proves that each row works, not what it costs. */
  readonly quick: boolean
}

export const CONNECTIONS = 64

export interface Candidate {
  readonly name: string
  readonly server: Server
  /** What is different from 64 connections that GET the small answer and get 200. */
  readonly load: Pick<Load, 'tokens'> & Partial<Load>
}

export interface Row {
  readonly name: string
  readonly cpuMicroseconds: number
  readonly requestsPerSecond: number
  readonly bytesPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly residentMebibytes: number
  readonly generatorMicroseconds: number
  readonly requests: number
}

/** Medians of the rounds. */
export interface MedianRow extends Row {
  /** CPU microseconds round by round: those of two candidates with the same index were measured one after the other. */
  readonly cpuTurns: readonly number[]
}

export async function measureOnce({ name, server, load }: Candidate, seconds: number): Promise<Row> {
  const before = cpuMicroseconds(server.pid)
  const result = await runLoad({
    url: server.url,
    paths: ['/api/things'],
    connections: CONNECTIONS,
    seconds,
    refused: false,
    ...load,
  })
  return {
    ...result,
    name,
    cpuMicroseconds: (cpuMicroseconds(server.pid) - before) / result.requests,
    residentMebibytes: residentBytes(server.pid) / 2 ** 20,
  }
}

export function medianRow(name: string, rows: readonly Row[]): MedianRow {
  const of = (pick: (row: Row) => number) => median(rows.map(pick))
  return {
    name,
    cpuMicroseconds: of((row) => row.cpuMicroseconds),
    requestsPerSecond: of((row) => row.requestsPerSecond),
    bytesPerSecond: of((row) => row.bytesPerSecond),
    p50Ms: of((row) => row.p50Ms),
    p99Ms: of((row) => row.p99Ms),
    residentMebibytes: of((row) => row.residentMebibytes),
    generatorMicroseconds: of((row) => row.generatorMicroseconds),
    requests: of((row) => row.requests),
    cpuTurns: rows.map(({ cpuMicroseconds }) => cpuMicroseconds),
  }
}

/** How much dearer one is than the other: by the rounds, not by the medians, so that a slow minute of the machine is in both. */
export function timesDearer(row: MedianRow, than: MedianRow): number {
  return median(row.cpuTurns.map((value, index) => value / (than.cpuTurns[index] ?? Number.NaN)))
}

// Until so many requests, a process on this platform is still being compiled, and on a busy machine that takes several rounds.
const WARM_REQUESTS = 20_000
const MOST_WARM_UPS = 4

async function warmUp(candidate: Candidate, { secondsPerRound, quick }: Settings): Promise<void> {
  let requests = 0
  for (let round = 0; round < (quick ? 1 : MOST_WARM_UPS) && requests < WARM_REQUESTS; round += 1)
    requests += (await measureOnce(candidate, secondsPerRound)).requests
}

/** The first round is warm-up and does not count. `onFailure` may leave a candidate out instead of ending the run. */
export async function measureRounds(
  what: string,
  candidates: readonly Candidate[],
  settings: Settings,
  onFailure?: (name: string, reason: string) => void,
): Promise<MedianRow[]> {
  const { rounds, secondsPerRound } = settings
  const measured = new Map<Candidate, Row[]>(candidates.map((candidate) => [candidate, []]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [candidate, rows] of measured) {
      progress(`${what}: ${candidate.name}, ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}`)
      try {
        if (round === 0) await warmUp(candidate, settings)
        else rows.push(await measureOnce(candidate, secondsPerRound))
      } catch (error) {
        if (onFailure === undefined) throw error
        measured.delete(candidate)
        onFailure(candidate.name, (error as Error).message)
      }
    }
  }
  progressDone()
  return [...measured].map(([{ name }, rows]) => medianRow(name, rows))
}

export async function stopAll(servers: Iterable<Server>): Promise<void> {
  await Promise.all([...servers].map((server) => server.stop()))
}
