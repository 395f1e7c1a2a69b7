// Counts the requests of each route in plain numbers, which the metrics read when they are scraped.

/** What counts as the route of requests that come to none: no path of a config looks like that. */
export const UNROUTED = '(none)'

/** Upper bounds of the duration buckets, in seconds. */
export const DURATION_BUCKETS_SEC = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** Buckets with one for what is above every bound. */
const BUCKETS = DURATION_BUCKETS_SEC.length + 1

/** Which column of a row counts what: the same in all rows, given out when the first request of all routes needs one. */
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
   * Sum of the durations, the buckets, then a count for each column that is in use. One row, as thousands of routes lie in
   * no processor's cache: a map for each kind of count would be four times as many lines of memory.
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

  /** `enforced` is false for what routes with auth: report-only would have refused. */
  countDecision(decision: string, enforced: boolean): void {
    const columns = this.#columns
    this.#add(columns.of(enforced ? columns.byDecision : columns.byReport, decision))
  }

  /** Seconds. */
  get durationSum(): number {
    return this.#row[0] as number
  }

  /** Not cumulative; the last one counts what is above every bound. */
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

/** Stays at zero: the config asks for no counts of requests. */
class IdleTally extends RouteTally {
  override countRequest(): void {
    // Nothing.
  }

  override countDecision(): void {
    // Nothing.
  }
}

/** The tallies of all routes, by their path in the config: routes that share a path share one. */
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
