// A cache of what was decided about each spelling of a header name: a look-up costs less than folding and comparing.

/** Spellings of names that clients and upstreams really use are few; a flood of invented ones must not grow the memory. */
const MAX_REMEMBERED_NAMES = 2000

export function rememberByName<Verdict>(decide: (name: string) => Verdict): (name: string) => Verdict {
  const verdicts = new Map<string, Verdict>()
  return (name) => {
    let verdict = verdicts.get(name)
    if (verdict === undefined) {
      verdict = decide(name)
      if (verdicts.size >= MAX_REMEMBERED_NAMES) verdicts.clear()
      verdicts.set(name, verdict)
    }
    return verdict
  }
}
