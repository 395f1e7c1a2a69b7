// The request to explain: the parts by which routes, checks and tokens are found.

export interface ExplainedRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Header values by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Address of the client. Undefined for this machine; the limit of failed tokens is then not checked. */
  readonly client?: string | undefined
}

/** The body of a question to the running gateway. */
export interface ExplainQuestion {
  readonly request: ExplainedRequest
  /** Milliseconds since the epoch; undefined for now. */
  readonly atMs: number | undefined
}
