// Finds where an unknown key belongs: below the option before it, from which it was not indented, or into another one.
import { isOptions, options } from '../checks/loose.ts'
import { childSchema, type SchemaNode } from './schema-walk.ts'

export interface Place {
  /** The option beside the unknown key that it belongs into. */
  readonly into: string
  readonly hint: string
  /** That option stands before the key, and is empty. */
  readonly isBefore: boolean
}

/** `upstreams:` with nothing in it, and then what belongs there at the same column. */
function belowTheEmpty(name: string, schema: SchemaNode, value: unknown): Place | undefined {
  const keys = Object.keys(options(value))
  const known = keys.slice(0, keys.indexOf(name)).findLast((key) => childSchema(schema, key) !== undefined)
  if (known === undefined || options(value)[known] !== null) return undefined
  const inner = childSchema(childSchema(schema, known) ?? {}, name)
  // Where any name will do, what it holds must be of the kind.
  const fits = inner !== undefined && (inner.type !== 'object' || isOptions(options(value)[name]))
  return fits ? { into: known, isBefore: true, hint: `it belongs to ${known} before it: indent it deeper` } : undefined
}

/** The paths below a schema at which a name is an option, the nearest ones alone. */
function pathsOf(name: string, schema: SchemaNode): readonly (readonly string[])[] {
  const branches = [schema, ...(schema.anyOf ?? [])]
  const properties = branches.flatMap((branch) => Object.entries(branch.properties ?? {}))
  const here = properties.filter(([option]) => option === name)
  if (here.length > 0) return [[name]]
  const deeper = properties.flatMap(([option, inner]) => pathsOf(name, inner).map((path) => [option, ...path]))
  const least = Math.min(...deeper.map((path) => path.length))
  return deeper.filter((path) => path.length === least)
}

/** `jwksUrl` beside `keys`. Only where there is one such place, and no other option of that depth has the name. */
function insideAnother(name: string, schema: SchemaNode): Place | undefined {
  const [path, ...others] = pathsOf(name, schema)
  const into = path?.[0]
  if (path === undefined || into === undefined || others.length > 0) return undefined
  const shown = path.reduceRight((inner, option) => (inner === '' ? `${option}: ...` : `${option}: { ${inner} }`), '')
  return { into, isBefore: false, hint: `it belongs into ${path.slice(0, -1).join('.')}: ${shown}` }
}

export function placeOf(name: string, schema: SchemaNode, value: unknown): Place | undefined {
  return belowTheEmpty(name, schema, value) ?? insideAnother(name, schema)
}
