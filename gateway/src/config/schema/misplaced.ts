// Finds the option to which an unknown key belongs: the empty option before it (wrong indentation), or another one.
import { isOptions, options } from '../checks/loose.ts'
import { childSchema, type SchemaNode } from './schema-walk.ts'

export interface Place {
  /** The option to which the unknown key belongs. */
  readonly into: string
  readonly hint: string
  /** True when that option is empty and stands before the key. */
  readonly isBefore: boolean
}

/** Finds an empty option such as `upstreams:` whose content follows in the same column. */
function belowTheEmpty(name: string, schema: SchemaNode, value: unknown): Place | undefined {
  const keys = Object.keys(options(value))
  const known = keys.slice(0, keys.indexOf(name)).findLast((key) => childSchema(schema, key) !== undefined)
  if (known === undefined || options(value)[known] !== null) return undefined
  const inner = childSchema(childSchema(schema, known) ?? {}, name)
  // In a map with free names, the value must be of the right type.
  const fits = inner !== undefined && (inner.type !== 'object' || isOptions(options(value)[name]))
  return fits ? { into: known, isBefore: true, hint: `it belongs to ${known} before it: indent it deeper` } : undefined
}

/** The paths below a schema at which the name is an option; the shortest only. */
function pathsOf(name: string, schema: SchemaNode): readonly (readonly string[])[] {
  const branches = [schema, ...(schema.anyOf ?? [])]
  const properties = branches.flatMap((branch) => Object.entries(branch.properties ?? {}))
  const here = properties.filter(([option]) => option === name)
  if (here.length > 0) return [[name]]
  const deeper = properties.flatMap(([option, inner]) => pathsOf(name, inner).map((path) => [option, ...path]))
  const least = Math.min(...deeper.map((path) => path.length))
  return deeper.filter((path) => path.length === least)
}

/** Finds `jwksUrl` beside `keys`. Only when there is exactly one such path of that depth. */
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
