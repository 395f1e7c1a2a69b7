// Numbers in a query string. Fastify would coerce them, but then it would coerce JSON bodies as well and take 5 for a name.

interface Bounds {
  readonly min: number
  readonly max: number
  readonly fallback: number
}

/** The number, the fallback when the query has none, or undefined when it is not a whole number within the bounds. */
export function readQueryNumber(query: unknown, name: string, { min, max, fallback }: Bounds): number | undefined {
  const text = (query as Readonly<Record<string, unknown>>)[name]
  if (text === undefined) return fallback
  if (typeof text !== 'string' || !/^\d{1,9}$/.test(text)) return undefined
  const value = Number(text)
  return value >= min && value <= max ? value : undefined
}
