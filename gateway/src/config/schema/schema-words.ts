// Describes what an option must be, for each keyword of the schema.
import type { AsWritten } from '../text/as-written.ts'
import { didYouMean } from './did-you-mean.ts'
import type { Finding, Path } from '../problem.ts'
import { unitKindOf, type SchemaNode } from './schema-walk.ts'
import { shapeHint } from './shape-hint.ts'

/** An error of the schema library. */
export interface SchemaError {
  readonly keyword: string
  readonly schemaPath: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message: string
}

export function list(values: readonly unknown[], last = ', '): string {
  const words = values.map(String)
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')}${last}${words.at(-1)}`
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'options, each as `name: value`',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
}

const UNITS = {
  duration: { kind: 'a duration', example: '30s', units: 'ms, s, m, h, d' },
  size: { kind: 'a size', example: '16KiB', units: 'B, KiB, MiB, GiB' },
}

/** Describes the expected value as a noun: `a number from 0 to 65535`. */
export function expectedKind(schema: SchemaNode | undefined): string {
  const unit = unitKindOf(schema)
  if (unit !== undefined) return `${UNITS[unit].kind} such as ${UNITS[unit].example}`
  if (schema?.enum !== undefined) return `${schema.enum.length > 1 ? 'one of ' : ''}${list(schema.enum)}`
  if (schema?.const !== undefined) return list([schema.const])
  if (schema?.minimum !== undefined && schema.maximum !== undefined)
    return `a number from ${schema.minimum} to ${schema.maximum}`
  if (schema?.anyOf !== undefined) return wantedOf(schema)
  return KINDS[schema?.type ?? ''] ?? 'of another kind'
}

export function isNoun(description: string | undefined): boolean {
  return description !== undefined && /^[a-z]/.test(description)
}

/** Describes the alternatives, by the description when it is a noun, otherwise as a list. */
function wantedOf({ description, anyOf = [] }: SchemaNode): string {
  if (description !== undefined && isNoun(description)) return description
  return anyOf
    .map((branch) =>
      branch.properties === undefined
        ? expectedKind(branch)
        : `{ ${list(branch.required ?? Object.keys(branch.properties))} }`,
    )
    .join(' or ')
}

function fromPattern(schema: SchemaNode | undefined): Omit<Finding, 'path'> {
  const unit = unitKindOf(schema)
  if (unit !== undefined) {
    const { kind, example, units } = UNITS[unit]
    return { message: `must be ${kind}`, hint: `a number and a unit, such as ${example}; units are ${units}` }
  }
  if (schema?.pattern === '^/') return { message: 'must start with /' }
  if (schema?.pattern === '^https?://') return { message: 'must start with https:// or http://' }
  if (schema?.examples !== undefined) return { message: `must be written like ${list(schema.examples, ' or ')}` }
  return { message: 'is not written as it must be', hint: schema?.description }
}

function fromType(schema: SchemaNode | undefined, value: unknown): Omit<Finding, 'path'> {
  if (value === null) return { message: `has no value: give it ${expectedKind(schema)}, or leave it out` }
  const unit = unitKindOf(schema)
  if (unit !== undefined && typeof value === 'number')
    return { message: `must be ${UNITS[unit].kind}`, hint: `write it with a unit, such as ${UNITS[unit].example}` }
  // YAML reads `0660` as the number 660, and 0o660 as 432.
  if (schema?.type === 'string' && typeof value === 'number' && String(schema.examples?.[0]).startsWith('"'))
    return { message: 'must be text', hint: `in quotes, such as ${list(schema.examples ?? [], ' or ')}` }
  return { message: `must be ${expectedKind(schema)}` }
}

/** True for a number or boolean in quotes, which YAML reads as text. */
function isQuoted(schema: SchemaNode | undefined, value: unknown): boolean {
  if (typeof value !== 'string') return false
  if (schema?.type === 'boolean') return value === 'true' || value === 'false'
  return (schema?.type === 'integer' || schema?.type === 'number') && /^\d+(\.\d+)?$/.test(value)
}

function inWords(
  { keyword, params, message }: SchemaError,
  schema: SchemaNode | undefined,
  value: unknown,
): Omit<Finding, 'path'> {
  const limit = String(params['limit'])
  switch (keyword) {
    case 'type':
      return fromType(schema, value)
    case 'enum':
    case 'const':
      return { message: `must be ${expectedKind(schema)}` }
    case 'anyOf':
      return { message: `must be ${schema === undefined ? 'of another kind' : wantedOf(schema)}`, hint: hintOf(schema) }
    case 'pattern':
      return { ...fromPattern(schema), vague: true }
    case 'minimum':
    case 'maximum':
      if (schema?.minimum !== undefined && schema.maximum !== undefined)
        return { message: `must be ${expectedKind(schema)}` }
      return { message: `must be at ${keyword === 'minimum' ? 'least' : 'most'} ${limit}` }
    case 'minItems':
      return { message: 'must not be empty' }
    case 'maxItems':
      return { message: `must have at most ${limit} ${limit === '1' ? 'entry' : 'entries'}` }
    case 'minLength':
      return { message: 'must not be empty text' }
    case 'minProperties':
      return {
        message: 'must not be empty',
        hint: schema?.properties === undefined ? undefined : `give one of ${list(Object.keys(schema.properties))}`,
      }
    case 'uniqueItems':
      return { message: 'must not hold the same entry twice' }
    default:
      return { message }
  }
}

function hintOf(schema: SchemaNode | undefined): string | undefined {
  return schema?.description !== undefined && /^[A-Z]/.test(schema.description) ? schema.description : undefined
}

interface Place {
  readonly path: Path
  readonly schema: SchemaNode | undefined
  readonly value: unknown
  readonly written: AsWritten
}

/** Returns an example of the correct notation, for lists and objects. Does not repeat a value that may be a secret. */
function shapeOf({ keyword }: SchemaError, { path, schema, value, written }: Place): string | undefined {
  const name = path.at(-1)
  if (keyword !== 'type' || schema === undefined || typeof name !== 'string' || value === null) return undefined
  if (schema.type !== 'array' && schema.type !== 'object') return undefined
  return shapeHint(name, schema, value, written.isTellable(path))
}

/** Converts a schema error to a finding. A value that comes from a reference is shown as the reference. */
export function findingOf(error: SchemaError, place: Place): Finding {
  const { path, schema, value, written } = place
  const { message, hint = shapeOf(error, place), ...rest } = inWords(error, schema, value)
  if (written.isReference(path)) return { path, message: `${message}, got ${written.show(path)}`, hint, ...rest }
  if (isQuoted(schema, value)) return { path, message, hint: 'write it without quotes', ...rest }
  if (error.keyword !== 'enum' || typeof value !== 'string') return { path, message, hint, ...rest }
  const known = (schema?.enum ?? []).map(String)
  return { path, message: `${message}, got ${written.show(path)}`, hint: didYouMean(value, known) }
}
