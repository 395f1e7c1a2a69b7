// ${NAME}, ${NAME:-default} and ${file:path} in the scalars of a config: never in its text, where a value could add options.
import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isScalar, visit, type Document } from 'yaml'

import type { Finding } from './problem.ts'
import { schemaAt, type SchemaNode } from './schema-walk.ts'

const MAX_SECRET_BYTES = 65_536
const REFERENCE = /\$(\$)?\{([^}]*)\}/g
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

export interface SubstitutionParts {
  readonly env: NodeJS.ProcessEnv
  readonly configFile: string
  readonly schema: SchemaNode
}

type Path = readonly (string | number)[]

/** The value of one reference, or what is wrong with it; never both, and never the value in the message. */
function lookUp(
  reference: string,
  { env, configFile }: SubstitutionParts,
): { readonly value: string } | { readonly message: string; readonly hint?: string } {
  if (reference.startsWith('file:')) {
    const path = resolve(dirname(configFile), reference.slice('file:'.length))
    try {
      if (statSync(path).size > MAX_SECRET_BYTES)
        return { message: `the file of \${${reference}} has more than ${MAX_SECRET_BYTES} bytes` }
      return { value: readFileSync(path, 'utf8').replace(/\r?\n$/, '') }
    } catch {
      return { message: `the file of \${${reference}} cannot be read` }
    }
  }
  const split = reference.indexOf(':-')
  const name = split === -1 ? reference : reference.slice(0, split)
  if (!NAME.test(name))
    return {
      message: `\${${reference}} names no variable`,
      hint: 'write ${NAME}, ${NAME:-default} or ${file:path}; $${ stands for itself',
    }
  const value = env[name]
  // As in a shell, :- also replaces an empty value.
  if (split !== -1 && (value === undefined || value === '')) return { value: reference.slice(split + 2) }
  return value === undefined
    ? { message: `the variable ${name} is not set`, hint: `set it, or give a default: \${${name}:-...}` }
    : { value }
}

/** A substitution that makes up the whole scalar may be a number or true/false where the schema wants one. */
function typed(text: string, type: string | undefined): unknown {
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : ''
}

/** The path of a node, from its ancestors as `visit` gives them. */
function pathOf(key: unknown, ancestors: readonly unknown[]): Path {
  const steps: (string | number)[] = []
  ancestors.forEach((ancestor, index) => {
    const child = ancestors[index + 1]
    const items = (ancestor as { items?: unknown[] }).items
    const pair = ancestor as { key?: unknown }
    if (items !== undefined && child !== undefined && !('key' in (child as object))) steps.push(items.indexOf(child))
    else if (items === undefined && 'key' in pair && pair.key !== undefined) steps.push(keyText(pair.key))
  })
  if (typeof key === 'number') steps.push(key)
  return steps
}

/** Replaces the references in place; what cannot be replaced is returned. */
export function substitute(document: Document, parts: SubstitutionParts): readonly Finding[] {
  const findings: Finding[] = []
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string' || !node.value.includes('${')) return
      const path = pathOf(key, ancestors)
      const whole = /^\$\{[^}]*\}$/.test(node.value)
      const text = node.value.replace(REFERENCE, (match, escaped: string | undefined, reference: string) => {
        if (escaped !== undefined) return match.slice(1)
        const found = lookUp(reference, parts)
        if ('value' in found) return found.value
        findings.push({ path, message: found.message, hint: found.hint })
        return match
      })
      node.value = whole ? typed(text, schemaAt(parts.schema, path)?.type) : text
    },
  })
  return findings
}
