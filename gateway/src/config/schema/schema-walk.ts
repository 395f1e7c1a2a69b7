// Finds the schema of an option by its path.
import type { TSchema } from 'typebox'

import type { Path } from '../problem.ts'

/** The keywords of a JSON schema that are used here. */
export interface SchemaNode {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly examples?: readonly unknown[]
  readonly pattern?: string
  /** `file-path` names an existing file, `folder-path` and `socket-path` what the gateway may create. */
  readonly format?: string
  /** True for a secret, which is never shown, even when it is written in the config file itself. */
  readonly writeOnly?: boolean
  /** True for text with references that are put in for each request (forward/headers/edits/edit-template.ts). */
  readonly template?: boolean
  /** The kind of unit of the value. */
  readonly unit?: 'duration' | 'size'
  /** The minimum of a duration or size, as written in YAML. */
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

/** Returns the schema of a member, by key or index; undefined when there is none. */
export function childSchema(node: SchemaNode, step: string | number): SchemaNode | undefined {
  if (typeof step === 'number') {
    if (node.items !== undefined) return node.items
  } else {
    // Own properties only: `constructor` is an unknown key like any other.
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

/** One value or a list of them (`OneOrMore`): the schema of the one; undefined for any other schema. */
export function oneOfMany({ anyOf: [one, many] = [] }: SchemaNode): SchemaNode | undefined {
  return one?.type === 'object' && many?.type === 'array' ? one : undefined
}

/** Returns the schema of the option at a path; undefined when there is none. */
export function schemaAt(schema: SchemaNode, path: Path): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>((node, step) => node && childSchema(node, step), schema)
}

/** Calls back for each option that a value has and the schema knows, outer options first. */
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

/** Returns the kind of unit of a schema; undefined for values without a unit. */
export function unitKindOf(schema: SchemaNode | undefined): 'duration' | 'size' | undefined {
  return schema?.unit
}
