// Limits retries to a share of the requests: without a limit, retries would double the load of a failing upstream.

const SHARE = 0.2
// Lets a few requests retry after a quiet time, without five requests before each of them.
const MAX_SAVED = 10

export interface RetryBudget {
  /** Counts a request: it earns a fifth of a retry. */
  earn(): void
  /** Spends one retry. False when none is left. */
  spend(): boolean
}

export function createRetryBudget(): RetryBudget {
  let saved = MAX_SAVED
  return {
    earn() {
      if (saved < MAX_SAVED) saved += SHARE
    },
    spend() {
      if (saved < 1) return false
      saved -= 1
      return true
    },
  }
}
