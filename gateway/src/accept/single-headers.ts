// Headers of which a request may have one: with two, gateway and upstream might each believe another.

const LENGTHS = new Set(['host', 'authorization', 'content-length', 'content-type'].map((name) => name.length))
const SINGLE = new Set(['host', 'authorization', 'content-length', 'content-type'])

/** The name that is there twice, or undefined. Node's own parsed headers hide it: they keep the first and drop the second. */
export function repeatedHeader(raw: readonly string[]): string | undefined {
  let seen: string[] | undefined
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    // Lengths first: nearly all other headers are told apart without folding their case.
    if (!LENGTHS.has(name.length)) continue
    const lower = name.toLowerCase()
    if (!SINGLE.has(lower)) continue
    if (seen === undefined) seen = [lower]
    else if (seen.includes(lower)) return lower
    else seen.push(lower)
  }
  return undefined
}
