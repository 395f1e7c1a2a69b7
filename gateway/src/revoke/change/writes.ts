// Changes that wait for a store: where it is replaced, the answer is that of the next one.

export interface Writes {
  /** `next`: what the next store says, where one is being opened; without one, it gets the whole list before it is used. */
  track(stored: Promise<boolean>, next?: Promise<boolean>): Promise<boolean>
  /** The store was replaced. */
  replaced(): void
}

export function createWrites(): Writes {
  const waiting = new Map<(stored: boolean | Promise<boolean>) => void, boolean | Promise<boolean>>()
  return {
    track(stored, next) {
      return new Promise((resolve) => {
        waiting.set(resolve, next ?? true)
        void Promise.all([stored, next ?? true]).then(([here, there]) => {
          waiting.delete(resolve)
          resolve(here && there)
        })
      })
    },
    replaced() {
      for (const [resolve, next] of waiting) resolve(next)
      waiting.clear()
    },
  }
}
