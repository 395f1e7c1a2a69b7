// Masks secrets of the config file in the lines that messages show.
import { isAlias, isMap, isPair, isScalar, isSeq, visit, type Document, type Node } from 'yaml'

import type { AliasSources } from './alias-sources.ts'
import { childSchema, type SchemaNode } from '../schema/schema-walk.ts'

/** True for text of references without a default: it contains no secret, and shows which variable is meant. What names no variable may be one. */
function isReferencesOnly(value: unknown): boolean {
  return typeof value === 'string' && value.replace(/\$\{[A-Za-z_]\w*\}|\$\{file:[^}]*\}/g, '') === ''
}

/** True when an object has a secret: each unknown option in it may then be a misplaced secret. */
export function hasSecret({ properties = {}, anyOf = [] }: SchemaNode): boolean {
  return Object.values(properties).some(({ writeOnly }) => writeOnly === true) || anyOf.some(hasSecret)
}

/** Names of secrets, and of objects that require a secret, because `secret: abc` is a common mistake. */
function secretNames(schema: SchemaNode, name?: string): readonly string[] {
  const { properties = {}, patternProperties = {}, items, anyOf = [], required = [] } = schema
  const isForSecret = required.some((option) => properties[option]?.writeOnly === true)
  const inner = [...Object.entries(properties), ...Object.entries(patternProperties)]
  return [
    ...(name !== undefined && (schema.writeOnly === true || isForSecret) ? [name] : []),
    ...inner.flatMap(([option, child]) => secretNames(child, option)),
    ...[...(items === undefined ? [] : [items]), ...anyOf].flatMap((child) => secretNames(child, name)),
  ]
}

/** True when a secret may be anywhere inside. */
export function mayHoldSecrets(schema: SchemaNode): boolean {
  return schema.writeOnly === true || secretNames(schema).length > 0
}

function secretNodes(document: Document, sources: AliasSources, root: SchemaNode): ReadonlySet<Node> {
  const found = new Set<Node>()
  const walked = new Map<unknown, Set<SchemaNode>>()
  const names = new Set(secretNames(root))

  function addAll(node: unknown): void {
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return
    visit(node, {
      Scalar(key, scalar) {
        if (key !== 'key' && !isReferencesOnly(scalar.value)) found.add(scalar)
      },
    })
  }

  /** Below an unknown key, secrets are recognised by name alone. */
  function addNamed(node: unknown): void {
    if (!isMap(node) && !isSeq(node)) return
    visit(node, {
      Pair(_key, { key, value }) {
        if (!isScalar(key)) addAll(key)
        else if (names.has(String(key.value))) addAll(value)
      },
    })
  }

  function walk(node: unknown, schema: SchemaNode): void {
    // Several aliases may lead to the same node, and an alias may lead to its own ancestor.
    const before = walked.get(node) ?? new Set()
    if (before.has(schema)) return
    walked.set(node, before.add(schema))
    if (isAlias(node)) {
      walk(sources.get(node), schema)
    } else if (schema.writeOnly === true || (hasSecret(schema) && !isMap(node))) {
      addAll(node)
    } else if (isSeq(node) && schema.items !== undefined) {
      for (const item of node.items) walk(item, schema.items)
    } else if (isMap(node)) {
      for (const item of node.items) {
        if (!isPair(item)) continue
        if (!isScalar(item.key)) {
          addAll(item.key)
          addNamed(item.value)
          continue
        }
        const inner = typeof item.key.value === 'symbol' ? schema : childSchema(schema, String(item.key.value))
        if (inner !== undefined) walk(item.value, inner)
        else if (hasSecret(schema)) addAll(item.value)
        else if (names.has(String(item.key.value))) addAll(item.value)
        else addNamed(item.value)
        // `secret abc`, in which the colon is missing.
        if (inner === undefined && names.has(/^[\w-]+(?=[ :])/.exec(String(item.key.value))?.[0] ?? ''))
          found.add(item.key)
      }
    } else {
      addNamed(node)
    }
  }
  walk(document.contents, root)
  return found
}

function blot(text: string): string {
  return text.replace(/[^\r\n]/g, '*')
}

/** Masks secrets. The text keeps its length and its lines. */
export function blotSecrets(text: string, document: Document, sources: AliasSources, schema: SchemaNode): string {
  const shown = [...secretNodes(document, sources, schema)].reduce((before, { range }) => {
    const [start, end] = range ?? [0, 0]
    return before.slice(0, start) + blot(before.slice(start, end)) + before.slice(end)
  }, text)
  // In comments, and in a file with syntax errors, everything after such a name is masked.
  const named = new RegExp(`(\\b(?:${secretNames(schema).join('|')})\\b["']?[ \\t]*:)([^\\r\\n]*)`, 'g')
  const withoutNamed = (part: string) => part.replace(named, (_, name: string, rest: string) => name + blot(rest))
  return document.errors.length > 0 ? withoutNamed(shown) : shown.replace(/(^|\s)#[^\r\n]*/g, withoutNamed)
}
