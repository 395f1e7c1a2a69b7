// The request that is explained: what of it routes, checks and tokens are found by.

export interface ExplainedRequest {
  readonly method: string
  /** Path with query. */
  readonly target: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
}
