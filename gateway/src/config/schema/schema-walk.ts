// Finds the schema of an option by its path.
import type { TSchema } from 'typebox'

import type { Path } from '../problem.ts'

/** The parts of a JSON schema that are looked at here. */
export interface SchemaNode {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly examples?: readonly unknown[]
  readonly pattern?: string
  /** `file-path`: the name of a file that must be there. `folder-path`: of a folder that may be made. */
  readonly format?: string
  /** A secret: never told, not even when it stands in the config file itself. */
  readonly writeOnly?: boolean
  /** What it is written with. */
  readonly unit?: 'duration' | 'size'
  /** Of durations and sizes, written as they are. */
  readonly least?: string
  readonly most?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

export function asNode(schema: TSchema): SchemaNode {
  return schema
}

/** The schema of what is inside an option, by key or index; undefined where there is none. */
export function childSchema(node: SchemaNode, step: string | number): SchemaNode | undefined {
  if (typeof step === 'number') {
    if (node.items !== undefined) return node.items
  } else {
    // Own properties only: `constructor` in a config is an unknown key like any other.
    if (node.properties !== undefined && Object.hasOwn(node.properties, step)) return node.properties[step]
    const named = Object.entries(node.patternProperties ?? {}).find(([pattern]) => new RegExp(pattern).test(step))
    if (named !== undefined) return named[1]
  }
  for (const branch of node.anyOf ?? []) {
    const found = childSchema(branch, step)
    if (found !== undefined) return found
  }
  return undefined
}

/** The schema of the option at this path; undefined where there is none. */
export function schemaAt(schema: SchemaNode, path: Path): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>((node, step) => node && childSchema(node, step), schema)
}

/** Calls back for every option that a value has and the schema knows, from the outside in. */
export function eachOption(
  schema: SchemaNode,
  value: unknown,
  visit: (schema: SchemaNode, path: Path) => void,
  path: Path = [],
): void {
  visit(schema, path)
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) : key
    const inner = childSchema(schema, step)
    if (inner !== undefined) eachOption(inner, member, visit, [...path, step])
  }
}

/** What is written with a unit. */
export function unitKindOf(schema: SchemaNode | undefined): 'duration' | 'size' | undefined {
  return schema?.unit
}
