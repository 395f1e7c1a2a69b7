// What the schema finds wrong, in plain words.
import type { TSchema } from 'typebox'
import { Settings } from 'typebox/system'
import { Value } from 'typebox/value'

import { didYouMean } from './did-you-mean.ts'
import { pathText, type Finding, type Path } from './problem.ts'
import { asNode, schemaAt, type SchemaNode } from './schema-walk.ts'

// The library stops at 8 by default; all errors are told at once here.
Settings.Set({ maxErrors: 10_000 })

interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message: string
}

function readPointer(pointer: string, value: unknown): Path {
  let node = value
  return pointer
    .split('/')
    .slice(1)
    .map((step) => {
      const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
      const key = Array.isArray(node) ? Number(name) : name
      node = (node as Record<string | number, unknown> | undefined)?.[key]
      return key
    })
}

function list(values: readonly unknown[]): string {
  return values.map(String).join(', ')
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'options, each as `name: value`',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
}

function expectedKind(schema: SchemaNode | undefined): string {
  if (schema?.minimum !== undefined && schema.maximum !== undefined)
    return `a number from ${schema.minimum} to ${schema.maximum}`
  return KINDS[schema?.type ?? ''] ?? schema?.description ?? 'of another kind'
}

function examplesOf(schema: SchemaNode | undefined): string | undefined {
  return schema?.examples === undefined ? undefined : `such as ${list(schema.examples)}`
}

function isDurationOrSize(schema: SchemaNode | undefined): boolean {
  return schema?.examples?.includes('30s') === true || schema?.examples?.includes('16KiB') === true
}

function describe(
  { keyword, params, message }: SchemaError,
  schema: SchemaNode | undefined,
  value: unknown,
): Omit<Finding, 'path'> {
  switch (keyword) {
    case 'type':
      if (value === null && schema?.type !== undefined)
        return { message: `has no value: give it ${expectedKind(schema)}, or leave it out` }
      if (typeof value === 'number' && isDurationOrSize(schema))
        return { message: 'must have a unit', hint: `write it as text ${examplesOf(schema) ?? ''}` }
      return {
        message: `must be ${expectedKind(schema)}`,
        hint: schema?.type === 'string' ? examplesOf(schema) : undefined,
      }
    case 'enum': {
      const allowed = (params['allowedValues'] as readonly unknown[] | undefined) ?? []
      return { message: `must be one of ${list(allowed)}`, hint: didYouMean(String(value), allowed.map(String)) }
    }
    case 'pattern':
      return { message: 'is not written as it must be', hint: examplesOf(schema) ?? schema?.description }
    case 'minimum':
    case 'maximum':
      return {
        message: `must be ${schema?.minimum !== undefined && schema.maximum !== undefined ? expectedKind(schema) : `${String(params['comparison'])} ${String(params['limit'])}`}`,
      }
    case 'minItems':
      return { message: 'must not be empty' }
    case 'maxItems':
      return { message: `must have at most ${String(params['limit'])} entries` }
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

function translate(error: SchemaError, root: SchemaNode, value: unknown): Finding[] {
  const path = readPointer(error.instancePath, value)
  const schema = schemaAt(root, path)
  if (error.keyword === 'additionalProperties') {
    const known = Object.keys(schema?.properties ?? {})
    return (error.params['additionalProperties'] as readonly string[]).map((name) => {
      const place = path.length === 0 ? '' : ` in ${pathText(path)}`
      return {
        path: [...path, name],
        atKey: true,
        message: `unknown key${place}`,
        hint: didYouMean(name, known) ?? `known are ${list(known)}`,
      }
    })
  }
  if (error.keyword === 'required') {
    return (error.params['requiredProperties'] as readonly string[]).map((name) => {
      const described = schemaAt(root, [...path, name])?.description
      return { path, atKey: true, message: `${name} is missing`, hint: described }
    })
  }
  const at = path.reduce<unknown>(
    (node, step) => (node as Record<string | number, unknown> | null | undefined)?.[step],
    value,
  )
  return [{ path, ...describe(error, schema, at) }]
}

/** Fills in the defaults and tells all that does not fit the schema. */
export function applySchema(
  schema: TSchema,
  raw: unknown,
): { readonly value: unknown; readonly findings: readonly Finding[] } {
  const value = Value.Default(schema, raw)
  const errors = Value.Errors(schema, value) as unknown as readonly SchemaError[]
  const root = asNode(schema)
  const unions = new Set(errors.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath))
  const findings = errors.flatMap((error) => {
    // `boolean` repeats each unknown key; what is wrong with each member of a union is noise beside what the union wants.
    if (error.keyword === 'boolean' || error.keyword === '~refine') return []
    if (unions.has(error.instancePath)) {
      if (error.keyword !== 'anyOf') return []
      const path = readPointer(error.instancePath, value)
      return [{ path, message: `must be ${schemaAt(root, path)?.description ?? 'of another kind'}` }]
    }
    return translate(error, root, value)
  })
  return { value, findings }
}
