// The JSON schema of the config, for editors.
import { ConfigOptions } from '../config.ts'

/** An option with a default may be left out: the schema of the options has it filled in, an editor looks at the file before that. */
function forEditors(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(forEditors)
  if (typeof node !== 'object' || node === null) return node
  const members = Object.entries(node).map(([key, value]) => [key, forEditors(value)] as const)
  const { properties, required, ...rest } = Object.fromEntries(members) as {
    properties?: Record<string, { default?: unknown }>
    required?: string[]
  }
  const needed = required?.filter((name) => properties?.[name]?.default === undefined)
  return {
    ...rest,
    ...(properties === undefined ? {} : { properties }),
    ...(needed === undefined || needed.length === 0 ? {} : { required: needed }),
  }
}

/** Substitution makes text of any scalar, so numbers may be written as `"${PORT:-8080}"`. */
function allowSubstitution(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(allowSubstitution)
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, allowSubstitution(value)])) as {
    type?: string
    pattern?: string
  }
  if (copy.type === 'integer' || copy.type === 'number' || copy.type === 'boolean') {
    const { description, ...rest } = copy as Record<string, unknown>
    return {
      ...(description === undefined ? {} : { description }),
      ...('default' in rest ? { default: rest['default'] } : {}),
      anyOf: [rest, { type: 'string', pattern: '\\$\\{' }],
    }
  }
  if (copy.type === 'string' && copy.pattern !== undefined) return { ...copy, pattern: `(${copy.pattern})|\\$\\{` }
  return copy
}

export function configSchemaJson(): string {
  return `${JSON.stringify(allowSubstitution(forEditors(JSON.parse(JSON.stringify(ConfigOptions)))), null, 2)}\n`
}
