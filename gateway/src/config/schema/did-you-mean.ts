// Finds the known name that a misspelt one is nearest to.

/**
 * Edits between two words, where swapping two neighbours counts as one (optimal string alignment). The libraries for this
 * (fastest-levenshtein, leven) count such a swap as two, and `prot` would no longer find `port`.
 */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const above = rows[i - 1] as number[]
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (rows[i - 2]?.[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}

const MAX_WORD = 64

/** The known word that was probably meant; undefined when nothing is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_WORD) return undefined
  const allowed = Math.max(1, Math.floor(word.length / 3))
  return (
    known
      .map((name) => ({ name, edits: distance(word.toLowerCase(), name.toLowerCase()) }))
      // A word of which nothing is left was not a slip of the finger.
      .filter(({ edits }) => edits <= allowed && edits < word.length)
      .sort((a, b) => a.edits - b.edits)[0]?.name
  )
}

/** A hint such as `did you mean "timeouts"?`; undefined when nothing is near. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const name = nearest(word, known)
  return name === undefined ? undefined : `did you mean "${name}"?`
}

/** `port 80` and `port:80` are one word for the parser: the name, where it is a known one. */
export function nameBeforeValue(text: string, known: readonly string[]): string | undefined {
  const name = /^([\w-]+)(?::\S| +\S)/.exec(text)?.[1]
  return name !== undefined && known.includes(name) ? name : undefined
}

/** Whether this option is there under a name that was misspelt, which is told already. */
export function isMisspelt(name: string, options: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(options).some(
    (key) => key !== name && (nearest(key, [name]) ?? nameBeforeValue(key, [name])) !== undefined,
  )
}
