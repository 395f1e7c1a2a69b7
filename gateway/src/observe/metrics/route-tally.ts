// Counts the requests of each route as plain numbers, which the metrics read at each scrape.

/** The label of requests without a route. No path in a config looks like it. */
export const UNROUTED = '(none)'

/** Upper bounds of the duration buckets, in seconds. */
export const DURATION_BUCKETS_SEC = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** Number of buckets, with the one above the last bound. */
const BUCKETS = DURATION_BUCKETS_SEC.length + 1

/** Assigns a column of the rows to each status and decision, when it first occurs on any route. All rows share the columns. */
class Columns {
  #used = 1 + BUCKETS
  readonly byStatus = new Map<number, number>()
  readonly byDecision = new Map<string, number>()
  readonly byReport = new Map<string, number>()

  of<Label>(columns: Map<Label, number>, label: Label): number {
    const known = columns.get(label)
    if (known !== undefined) return known
    const column = this.#used
    this.#used += 1
    columns.set(label, column)
    return column
  }
}

/** The counts of one route. */
export class RouteTally {
  readonly route: string
  readonly #columns: Columns
  /**
   * Sum of durations in seconds, then the buckets, then a count for each column. It is one array, because thousands of routes
   * do not fit into the processor's cache: a map for each kind of count would touch four times as many cache lines.
   */
  readonly #row: number[] = Array.from({ length: 1 + BUCKETS }, () => 0)

  constructor(route: string, columns: Columns) {
    this.route = route
    this.#columns = columns
  }

  countRequest(status: number, durationSec: number): void {
    const row = this.#row
    row[0] = (row[0] as number) + durationSec
    let bucket = 0
    while (bucket < DURATION_BUCKETS_SEC.length && durationSec > (DURATION_BUCKETS_SEC[bucket] as number)) bucket += 1
    row[1 + bucket] = (row[1 + bucket] as number) + 1
    this.#add(this.#columns.of(this.#columns.byStatus, status))
  }

  /** `enforced` is false for refusals that a route with `auth: report-only` did not enforce. */
  countDecision(decision: string, enforced: boolean): void {
    const columns = this.#columns
    this.#add(columns.of(enforced ? columns.byDecision : columns.byReport, decision))
  }

  /** In seconds. */
  get durationSum(): number {
    return this.#row[0] as number
  }

  /** Counts by bucket, not cumulative. The last bucket has no upper bound. */
  get durations(): readonly number[] {
    return this.#row.slice(1, 1 + BUCKETS)
  }

  get byStatus(): ReadonlyMap<number, number> {
    return this.#counted(this.#columns.byStatus)
  }

  get decisions(): ReadonlyMap<string, number> {
    return this.#counted(this.#columns.byDecision)
  }

  get reported(): ReadonlyMap<string, number> {
    return this.#counted(this.#columns.byReport)
  }

  #add(column: number): void {
    const row = this.#row
    while (row.length <= column) row.push(0)
    row[column] = (row[column] as number) + 1
  }

  #counted<Label>(columns: ReadonlyMap<Label, number>): ReadonlyMap<Label, number> {
    return new Map(
      [...columns].flatMap(([label, column]) => {
        const count = this.#row[column] ?? 0
        return count === 0 ? [] : [[label, count] as const]
      }),
    )
  }
}

/** A tally that stays at zero, for a config without request counts. */
class IdleTally extends RouteTally {
  override countRequest(): void {
    // Nothing.
  }

  override countDecision(): void {
    // Nothing.
  }
}

/** The tallies of all routes, by path in the config. Routes with the same path share a tally. */
export class RouteTallies {
  readonly #byRoute = new Map<string, RouteTally>()
  readonly #columns = new Columns()
  readonly #Tally: typeof RouteTally

  constructor(requests: 'on' | 'off') {
    this.#Tally = requests === 'on' ? RouteTally : IdleTally
  }

  of(route: string): RouteTally {
    const known = this.#byRoute.get(route)
    if (known !== undefined) return known
    const tally = new this.#Tally(route, this.#columns)
    this.#byRoute.set(route, tally)
    return tally
  }

  all(): Iterable<RouteTally> {
    return this.#byRoute.values()
  }
}
