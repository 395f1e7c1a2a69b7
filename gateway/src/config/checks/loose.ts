// Reads a config of any shape: missing values and values of the wrong type read as empty.
import type { Path } from '../problem.ts'

export type Loose = Readonly<Record<string, unknown>>

const NOTHING: Loose = Object.freeze({})

export function isOptions(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function options(value: unknown): Loose {
  return isOptions(value) ? value : NOTHING
}

export function entries(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Returns the members that are strings. */
export function texts(value: unknown): readonly string[] {
  return entries(value).filter((member): member is string => typeof member === 'string')
}

/** Returns the value at a path. Ignores inherited members. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (node, step) =>
      typeof node === 'object' && node !== null && Object.hasOwn(node, step)
        ? (node as Record<string | number, unknown>)[step]
        : undefined,
    value,
  )
}
