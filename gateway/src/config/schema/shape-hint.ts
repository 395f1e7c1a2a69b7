// Shows how an option would be written with the value that was given: `scopes: { all: [x] }` for `scopes: [x]`.
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'

import { nameBeforeValue } from './did-you-mean.ts'
import type { SchemaNode } from './schema-walk.ts'

const MAX_SHOWN = 60
const PLAIN = /^[A-Za-z/*_.][\w./:*-]*$/

function isAllowed(schema: SchemaNode, value: unknown): boolean {
  try {
    return Value.Check(schema as TSchema, value)
  } catch {
    return false
  }
}

/** Returns the value in a valid shape: itself, in a list, or as a nested option; undefined when none is valid. */
function fitting(schema: SchemaNode, value: unknown): unknown {
  if (isAllowed(schema, value)) return value
  if (schema.type === 'array' && !Array.isArray(value) && isAllowed(schema, [value])) return [value]
  for (const [name, option] of Object.entries(schema.properties ?? {})) {
    const inner = [value, [value]].find((candidate) => isAllowed(option, candidate))
    if (inner !== undefined) return { [name]: inner }
  }
  return undefined
}

function inFlow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inFlow).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([name, member]) => `${name}: ${inFlow(member)}`)
      .join(', ')} }`
  return typeof value === 'string' && PLAIN.test(value) && !value.endsWith(':') ? value : JSON.stringify(value)
}

/** Outlines the notation: the names of nested options, or brackets for a list. */
function outline(name: string, { type, properties, required }: SchemaNode): string | undefined {
  if (type === 'array') return `${name}: [..., ...]`
  const needed = (required ?? []).filter((option) => properties?.[option]?.default === undefined)
  const names = needed.length > 0 ? needed : Object.keys(properties ?? {}).slice(0, 3)
  return names.length === 0 ? undefined : `${name}: { ${names.map((option) => `${option}: ...`).join(', ')} }`
}

/** Returns a hint for text that lacks only a space or a colon. */
function slip({ type, properties = {} }: SchemaNode, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  if (type === 'array' && /^-[^\s-]/.test(value)) return 'a space is missing after the dash: `- value`'
  const option = type === 'object' ? nameBeforeValue(value, Object.keys(properties)) : undefined
  return option === undefined ? undefined : `a colon and a space must follow ${option}: \`${option}: value\``
}

/** Returns an example of the correct notation. Does not repeat a secret value. */
export function shapeHint(name: string, schema: SchemaNode, value: unknown, isTellable: boolean): string | undefined {
  const slipped = slip(schema, value)
  if (slipped !== undefined) return slipped
  const meant = isTellable ? fitting(schema, value) : undefined
  const written = meant === undefined ? undefined : `${name}: ${inFlow(meant)}`
  return written === undefined || written.length > MAX_SHOWN ? outline(name, schema) : written
}
