// Puts the findings of the schema in plain words.
import type { TSchema } from 'typebox'
import { Settings } from 'typebox/system'
import { Value } from 'typebox/value'

import type { AsWritten } from '../text/as-written.ts'
import { didYouMean, nameBeforeValue, nearest } from './did-you-mean.ts'
import { options, valueAt } from '../checks/loose.ts'
import type { Finding, Path } from '../problem.ts'
import { placeOf, type Place } from './misplaced.ts'
import { asNode, oneOfMany, schemaAt, type SchemaNode } from './schema-walk.ts'
import { findingOf, isNoun, list, type SchemaError } from './schema-words.ts'

// The library stops at 8 errors by default; here all errors are reported.
Settings.Set({ maxErrors: 10_000 })

function readPointer(pointer: string, value: unknown): Path {
  const path: (string | number)[] = []
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(valueAt(value, path)) ? Number(name) : name)
  }
  return path
}

function unknownKeys(
  names: readonly string[],
  path: Path,
  schema: SchemaNode | undefined,
  value: unknown,
): readonly Finding[] {
  const known = Object.keys(schema?.properties ?? {})
  return names.map((name) => {
    const at = { path: [...path, name], atKey: true, standsAlone: true, unknownKey: true }
    const option = nameBeforeValue(name, known)
    // The text after the name may be a secret.
    if (option !== undefined)
      return { ...at, message: `a colon and a space must follow ${option}`, hint: `${option}: ...` }
    const place = meantPlace(name, schema, value)
    const hint = place?.hint ?? didYouMean(name, known) ?? `known are ${list(known)}`
    return { ...at, message: `unknown key ${JSON.stringify(name)}`, hint }
  })
}

/** A misspelling is likelier than a distant place, but not than the empty option right before the key. */
function meantPlace(name: string, schema: SchemaNode | undefined, value: unknown): Place | undefined {
  const known = Object.keys(schema?.properties ?? {})
  if (schema === undefined || nameBeforeValue(name, known) !== undefined) return undefined
  const place = placeOf(name, schema, value)
  return place?.isBefore === true || didYouMean(name, known) === undefined ? place : undefined
}

function translate(error: SchemaError, root: SchemaNode, value: unknown, written: AsWritten): readonly Finding[] {
  const path = readPointer(error.instancePath, value)
  const node = schemaAt(root, path)
  // Who writes no list means the one.
  const schema = (node === undefined || Array.isArray(valueAt(value, path)) ? undefined : oneOfMany(node)) ?? node
  if (error.keyword === 'additionalProperties')
    return unknownKeys(error.params['additionalProperties'] as readonly string[], path, schema, valueAt(value, path))
  if (error.keyword === 'required') {
    return (error.params['requiredProperties'] as readonly string[]).flatMap((name) => {
      const option = schemaAt(root, [...path, name])
      // The library fills in no defaults within alternatives until one of them is valid.
      return option?.default === undefined
        ? [{ path, atKey: true, message: `${name} is missing`, hint: option?.description }]
        : []
    })
  }
  return [findingOf(error, { path, schema, value: valueAt(value, path), written })]
}

/** Returns the index of the intended alternative, the one with an option of the value; -1 when the description is clear enough. */
function meantOf(schema: SchemaNode, value: unknown): number {
  if (oneOfMany(schema) !== undefined) return Array.isArray(value) ? 1 : 0
  const { anyOf = [], description } = schema
  if (isNoun(description)) return -1
  const names = Object.keys(options(value))
  return anyOf.findIndex(({ properties = {} }) => names.some((name) => Object.hasOwn(properties, name)))
}

/**
 * Drops the errors of each alternative when the intended one is unknown: a description of the expected value says more. Drops
 * `boolean`, which repeats each unknown key.
 */
function withoutNoise(errors: readonly SchemaError[], root: SchemaNode, value: unknown): readonly SchemaError[] {
  const unions = errors
    .filter(({ keyword }) => keyword === 'anyOf')
    .map(({ schemaPath, instancePath }) => {
      const path = readPointer(instancePath, value)
      const meant = meantOf(schemaAt(root, path) ?? {}, valueAt(value, path))
      const alternatives = `${schemaPath}/anyOf/`
      // What is wrong with the keys of an alternative counts only where it cannot be another one.
      const end = oneOfMany(schemaAt(root, path) ?? {}) === undefined ? '/' : ''
      return {
        schemaPath,
        alternatives,
        instancePath,
        meant: meant === -1 ? undefined : `${alternatives}${meant}${end}`,
      }
    })
  const isNoise = ({ keyword, schemaPath, instancePath }: SchemaError) =>
    unions.some((union) => {
      if (!instancePath.startsWith(union.instancePath)) return false
      if (schemaPath.startsWith(union.alternatives))
        return union.meant === undefined || !schemaPath.startsWith(union.meant)
      return keyword === 'anyOf' && union.meant !== undefined && schemaPath === union.schemaPath
    })
  return errors.filter((error) => error.keyword !== 'boolean' && error.keyword !== '~refine' && !isNoise(error))
}

/** The options that an unknown key was meant to be. They are reported as missing or empty, which is the same mistake. */
function meantKeys(errors: readonly SchemaError[], root: SchemaNode, value: unknown): ReadonlySet<string> {
  return new Set(
    errors
      .filter(({ keyword }) => keyword === 'additionalProperties')
      .flatMap(({ instancePath, params }) => {
        const path = readPointer(instancePath, value)
        const schema = schemaAt(root, path)
        const known = Object.keys(schema?.properties ?? {})
        return (params['additionalProperties'] as readonly string[]).map((name) => {
          const meant = meantPlace(name, schema, valueAt(value, path))?.into ?? nameBeforeValue(name, known)
          return `${instancePath}/${meant ?? nearest(name, known) ?? ''}`
        })
      }),
  )
}

function isMeant({ keyword, instancePath }: SchemaError, meant: ReadonlySet<string>, value: unknown): boolean {
  return keyword === 'type' && meant.has(instancePath) && valueAt(value, readPointer(instancePath, value)) === null
}

function withoutMeant(error: SchemaError, meant: ReadonlySet<string>): SchemaError {
  if (error.keyword !== 'required') return error
  const missing = error.params['requiredProperties'] as readonly string[]
  const left = missing.filter((name) => !meant.has(`${error.instancePath}/${name}`))
  return { ...error, params: { ...error.params, requiredProperties: left } }
}

export interface AppliedSchema {
  /** With its defaults. */
  readonly value: unknown
  readonly findings: readonly Finding[]
  /** False for errors that are no findings too: those that the loader tells of elsewhere. */
  readonly isValid: boolean
}

/** Fills in the defaults and reports everything that the schema does not allow. */
export function applySchema(schema: TSchema, raw: unknown, written: AsWritten): AppliedSchema {
  const value = Value.Default(schema, raw)
  const errors = Value.Errors(schema, value) as unknown as readonly SchemaError[]
  const root = asNode(schema)
  const meant = meantKeys(errors, root, value)
  const findings = withoutNoise(errors, root, value)
    .filter((error) => !isMeant(error, meant, value))
    .flatMap((error) => translate(withoutMeant(error, meant), root, value, written))
  return { value, findings, isValid: errors.length === 0 }
}
