// Finds the known name that is nearest to a misspelt one.

/**
 * The edit distance of two words, in which swapping two neighbours counts as one edit (optimal string alignment). The libraries
 * for it (fastest-levenshtein, leven) count a swap as two edits, and would not find `port` for `prot`.
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

/** Returns the known word that was probably meant; undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_WORD) return undefined
  const allowed = Math.max(1, Math.floor(word.length / 3))
  return (
    known
      .map((name) => ({ name, edits: distance(word.toLowerCase(), name.toLowerCase()) }))
      // A word of which nothing is left was not a typing mistake.
      .filter(({ edits }) => edits <= allowed && edits < word.length)
      .sort((a, b) => a.edits - b.edits)[0]?.name
  )
}

/** Returns a hint such as `did you mean "timeouts"?`; undefined when no name is near. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const name = nearest(word, known)
  return name === undefined ? undefined : `did you mean "${name}"?`
}

/** YAML reads `port 80` and `port:80` as one word. Returns the name before the value, when it is a known one. */
export function nameBeforeValue(text: string, known: readonly string[]): string | undefined {
  const name = /^([\w-]+)(?::\S| +\S)/.exec(text)?.[1]
  return name !== undefined && known.includes(name) ? name : undefined
}

/** True when this option is present under a misspelt name, which is already reported. */
export function isMisspelt(name: string, options: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(options).some(
    (key) => key !== name && (nearest(key, [name]) ?? nameBeforeValue(key, [name])) !== undefined,
  )
}
