// The request that is explained: what of it routes, checks and tokens are found by.

export interface ExplainedRequest {
  readonly method: string
  /** Path with query. */
  readonly target: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Address that the connection comes from. Left out: this machine, and whose tokens failed before is not looked at. */
  readonly client?: string | undefined
}

/** What a running gateway is asked. */
export interface ExplainQuestion {
  readonly request: ExplainedRequest
  /** Left out: now. */
  readonly atMs: number | undefined
}
