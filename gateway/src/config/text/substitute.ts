// Substitutes ${NAME}, ${NAME:-default} and ${file:path} in scalars only: in the text of the file, a value could add options.
import { isUtf8 } from 'node:buffer'
import { dirname, resolve } from 'node:path'
import { visit, type Document } from 'yaml'

import { pathOf } from './node-place.ts'
import type { Finding } from '../problem.ts'
import { isRequestReference } from '../../forward/headers/edits/edit-template.ts'
import { readFault, type ReadFile } from '../../options/files/read-file.ts'
import { schemaAt, type SchemaNode } from '../schema/schema-walk.ts'

const MAX_SECRET_BYTES = 65_536
// An escape, a reference, or the start of an unclosed reference.
const REFERENCE = /\$\$\{|\$\{([^}]*)(\})?/g
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const FORMS = 'write ${NAME}, ${NAME:-default} or ${file:path}; $${ stands for itself'

export interface SubstitutionParts {
  readonly env: NodeJS.ProcessEnv
  readonly readFile: ReadFile
  readonly configFile: string
  readonly schema: SchemaNode
}

/** The value of a reference, or the reason why it has none. The message never contains the value. */
type Found = { readonly value: string } | { readonly message: string; readonly hint?: string }

function readSecret(reference: string, { readFile, configFile }: SubstitutionParts): Found {
  const path = resolve(dirname(configFile), reference.slice('file:'.length))
  try {
    const bytes = readFile(path, MAX_SECRET_BYTES)
    return isUtf8(bytes)
      ? { value: bytes.toString('utf8').replace(/\r?\n$/, '') }
      : { message: `\${${reference}}: the file is not UTF-8 text` }
  } catch (error) {
    return { message: `\${${reference}}: ${readFault(error)}`, hint: 'paths are relative to the config file' }
  }
}

function lookUp(reference: string, parts: SubstitutionParts): Found {
  if (reference.startsWith('file:')) return readSecret(reference, parts)
  const split = reference.indexOf(':-')
  const name = split === -1 ? reference : reference.slice(0, split)
  // What stands there may be a secret that looks like a reference, and is not repeated.
  if (!NAME.test(name)) return { message: 'a reference names no variable', hint: FORMS }
  const value = parts.env[name]
  // As in a shell, the default after :- also replaces an empty value.
  if (split !== -1 && (value === undefined || value === '')) return { value: reference.slice(split + 2) }
  return value === undefined
    ? { message: `the variable ${name} is not set`, hint: `set it, or give a default: \${${name}:-...}` }
    : { value }
}

/** A reference that is the whole scalar may become a number or a boolean, where the schema allows no text. */
function typed(text: string, schema: SchemaNode | undefined): unknown {
  const kinds = [schema, ...(schema?.anyOf ?? [])].map((node) => node?.type)
  if (kinds.includes('string')) return text
  if ((kinds.includes('integer') || kinds.includes('number')) && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  return kinds.includes('boolean') && (text === 'true' || text === 'false') ? text === 'true' : text
}

/** Replaces references in place. Returns the errors of those that cannot be replaced. */
export function substitute(document: Document, parts: SubstitutionParts): readonly Finding[] {
  const findings: Finding[] = []
  visit(document, {
    Scalar(key, node, ancestors) {
      if (typeof node.value !== 'string' || !node.value.includes('${')) return
      const path = pathOf(key, ancestors)
      if (key === 'key') {
        findings.push({ path, atKey: true, message: 'a key cannot hold a reference: only values are substituted' })
        return
      }
      const isTemplate = schemaAt(parts.schema, path)?.template === true
      const whole = /^\$\{[^}]*\}$/.test(node.value)
      const text = node.value.replace(REFERENCE, (match, reference: string | undefined, end: string | undefined) => {
        // In a template a ${ that is left is a reference of the request: all others are escaped.
        if (reference === undefined) return isTemplate ? match : match.slice(1)
        if (isTemplate && isRequestReference(reference)) return match
        const found = end === undefined ? { message: '${ has no } to end it', hint: FORMS } : lookUp(reference, parts)
        if ('value' in found) return isTemplate ? found.value.replaceAll('${', () => '$${') : found.value
        findings.push({ path, ...found })
        return match
      })
      node.value = whole ? typed(text, schemaAt(parts.schema, path)) : text
    },
  })
  return findings
}
