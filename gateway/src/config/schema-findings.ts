// What the schema finds wrong, in plain words.
import type { TSchema } from 'typebox'
import { Settings } from 'typebox/system'
import { Value } from 'typebox/value'

import type { AsWritten } from './as-written.ts'
import { didYouMean } from './did-you-mean.ts'
import { valueAt } from './loose.ts'
import type { Finding, Path } from './problem.ts'
import { asNode, schemaAt, type SchemaNode } from './schema-walk.ts'
import { findingOf, list, type SchemaError } from './schema-words.ts'

// The library stops at 8 by default; all errors are told at once here.
Settings.Set({ maxErrors: 10_000 })

function readPointer(pointer: string, value: unknown): Path {
  const path: (string | number)[] = []
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(valueAt(value, path)) ? Number(name) : name)
  }
  return path
}

function unknownKeys(names: readonly string[], path: Path, schema: SchemaNode | undefined): readonly Finding[] {
  const known = Object.keys(schema?.properties ?? {})
  return names.map((name) => ({
    path: [...path, name],
    atKey: true,
    standsAlone: true,
    message: `unknown key ${JSON.stringify(name)}`,
    hint: didYouMean(name, known) ?? `known are ${list(known)}`,
  }))
}

function translate(error: SchemaError, root: SchemaNode, value: unknown, written: AsWritten): readonly Finding[] {
  const path = readPointer(error.instancePath, value)
  const schema = schemaAt(root, path)
  if (error.keyword === 'additionalProperties')
    return unknownKeys(error.params['additionalProperties'] as readonly string[], path, schema)
  if (error.keyword === 'required') {
    return (error.params['requiredProperties'] as readonly string[]).map((name) => {
      const hint = schemaAt(root, [...path, name])?.description
      return { path, atKey: true, message: `${name} is missing`, hint }
    })
  }
  return [findingOf(error, { path, schema, value: valueAt(value, path), written })]
}

/** What is wrong with each alternative is noise beside what is wanted; and `boolean` repeats each unknown key. */
function withoutNoise(errors: readonly SchemaError[]): readonly SchemaError[] {
  const unions = errors
    .filter(({ keyword }) => keyword === 'anyOf')
    .map(({ schemaPath, instancePath }) => ({ alternatives: `${schemaPath}/anyOf/`, instancePath }))
  return errors.filter(
    ({ keyword, schemaPath, instancePath }) =>
      keyword !== 'boolean' &&
      keyword !== '~refine' &&
      !unions.some((union) => schemaPath.startsWith(union.alternatives) && instancePath.startsWith(union.instancePath)),
  )
}

/** Fills in the defaults and tells all that does not fit the schema. */
export function applySchema(
  schema: TSchema,
  raw: unknown,
  written: AsWritten,
): { readonly value: unknown; readonly findings: readonly Finding[] } {
  const value = Value.Default(schema, raw)
  const errors = Value.Errors(schema, value) as unknown as readonly SchemaError[]
  const findings = withoutNoise(errors).flatMap((error) => translate(error, asNode(schema), value, written))
  return { value, findings }
}
