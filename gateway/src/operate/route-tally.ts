// Counts of one route: plain numbers on the request path, read by the metrics when somebody asks.

/** Upper bounds of the duration buckets, in seconds. */
export const DURATION_BUCKETS_SEC = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

export interface RouteTally {
  readonly route: string
  readonly byStatus: ReadonlyMap<number, number>
  /** Not cumulative; the last one counts what is above every bound. */
  readonly durations: readonly number[]
  readonly durationSumSec: number
  readonly decisions: ReadonlyMap<string, number>
  /** What routes with auth: report-only would have refused. */
  readonly reported: ReadonlyMap<string, number>
  countRequest(status: number, durationSec: number): void
  countDecision(decision: string, enforced: boolean): void
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

export function createRouteTally(route: string): RouteTally {
  const byStatus = new Map<number, number>()
  const decisions = new Map<string, number>()
  const reported = new Map<string, number>()
  const durations = new Array<number>(DURATION_BUCKETS_SEC.length + 1).fill(0)
  let durationSumSec = 0

  return {
    route,
    byStatus,
    durations,
    decisions,
    reported,
    get durationSumSec() {
      return durationSumSec
    },
    countRequest(status, durationSec) {
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
      durationSumSec += durationSec
      let bucket = 0
      while (bucket < DURATION_BUCKETS_SEC.length && durationSec > (DURATION_BUCKETS_SEC[bucket] ?? 0)) bucket += 1
      durations[bucket] = (durations[bucket] ?? 0) + 1
    },
    countDecision(decision, enforced) {
      add(enforced ? decisions : reported, decision)
    },
  }
}

function count(): void {
  // Nothing: the config asks for no counts of requests.
}

/** A tally that stays at zero. */
export function createIdleTally(route: string): RouteTally {
  return { ...createRouteTally(route), countRequest: count, countDecision: count }
}
