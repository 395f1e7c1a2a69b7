// Does what many may ask for once at a time: all who ask while it is under way share the next one.

/** Returns what asks for it, and who: `causes` are those that share it. It begins later than they asked. `work` never rejects. */
export function createSharedNext<Result>(
  work: (causes: string) => Promise<Result>,
): (cause: string) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  let next: { readonly causes: Set<string>; readonly result: Promise<Result> } | undefined

  function begin(causes: ReadonlySet<string>): Promise<Result> {
    next = undefined
    return work([...causes].join(', '))
  }

  return (cause) => {
    if (next === undefined) {
      const causes = new Set<string>()
      next = { causes, result: last.then(() => begin(causes)) }
      last = next.result
    }
    next.causes.add(cause)
    return next.result
  }
}
