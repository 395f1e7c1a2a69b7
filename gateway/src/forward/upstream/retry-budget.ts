// The share of requests that may be retried: without a bound, retries would double the load of an upstream in trouble.

const SHARE = 0.2
// What a quiet time saves up: a few requests may each try again though there were not five before them.
const MAX_SAVED = 10

export interface RetryBudget {
  /** Counts a request. */
  earn(): void
  /** True when a retry may be made, which is then paid. */
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
