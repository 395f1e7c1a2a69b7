// Runs what is asked one after the other, and turns away who would wait behind too many.

export interface Turns {
  /** Settles with the result; undefined when too many wait already. */
  run<Result>(work: () => Promise<Result>): Promise<Result | undefined>
}

export function createTurns(maxWaiting: number): Turns {
  let last: Promise<unknown> = Promise.resolve()
  let pending = 0

  return {
    async run(work) {
      if (pending > maxWaiting) return undefined
      pending += 1
      const turn = last.then(work)
      last = turn.catch(() => undefined)
      try {
        return await turn
      } finally {
        pending -= 1
      }
    },
  }
}
