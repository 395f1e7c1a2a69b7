// What the schema says about an option, by the path of the option.
import type { TSchema } from 'typebox'

import type { Path } from './problem.ts'

/** The parts of a JSON schema that are looked at here. */
export interface SchemaNode {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly examples?: readonly unknown[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

export function asNode(schema: TSchema): SchemaNode {
  return schema
}

/** The schema of the option at this path; undefined where there is none. */
export function schemaAt(schema: SchemaNode, path: Path): SchemaNode | undefined {
  let node: SchemaNode | undefined = schema
  for (const step of path) {
    if (node === undefined) return undefined
    if (typeof step === 'number') node = node.items
    else node = node.properties?.[step] ?? Object.values(node.patternProperties ?? {})[0]
  }
  return node
}
