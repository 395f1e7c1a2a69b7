// Reading a config whose shape may be wrong: what is not there or of another kind reads as nothing.

export type Loose = Readonly<Record<string, unknown>>

const NOTHING: Loose = Object.freeze({})

export function options(value: unknown): Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : NOTHING
}

export function entries(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The members that are text. */
export function texts(value: unknown): readonly string[] {
  return entries(value).filter((member): member is string => typeof member === 'string')
}
