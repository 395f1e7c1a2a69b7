// Writes the reference of all options as Markdown, from their schema.
import { isNoun } from '../schema/schema-words.ts'
import { asNode, oneOfMany, unitKindOf, type SchemaNode } from '../schema/schema-walk.ts'
import { ConfigOptions } from '../../options/config.ts'

const INTRO = `# Configuration

Generated from the options' own descriptions by \`npm run config:generate\`; do not edit.

One YAML file, checked as a whole before anything starts: \`tollgate check -c FILE\` tells all errors at once, each as
\`file:line:column\`. Unknown keys are errors. [gateway.yaml](gateway.yaml) is what \`npm start\` uses, [examples/](examples)
has more, and an editor with a YAML language server completes and checks with [gateway.schema.json](gateway.schema.json).

- **Durations** have a unit: \`250ms\`, \`30s\`, \`5m\`, \`12h\`, \`1d\`. **Sizes** too: \`512B\`, \`16KiB\`, \`10MiB\`, \`1GiB\`.
- **Substitution** in values: \`\${NAME}\` and \`\${NAME:-default}\` from the environment, \`\${file:/run/secrets/x}\` from a file (relative
  to the config file, without its last newline); \`$\${\` stands for itself. It is done after parsing, so a value can never add options.
- **Claims** are found by JSON Pointer: \`/realm_access/roles\`; a claim named \`http://a.com\` is \`/http:~1~1a.com\`.
- **Files** are named relative to the config file.
`

/** The type of a value, in one word or as its choices. */
function kindOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(' \\| ')
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``
  if (node.anyOf !== undefined) return node.anyOf.map(kindOf).join(' or ')
  const unit = unitKindOf(node)
  if (unit !== undefined) return `${unit}${rangeOf(node)}`
  if (node.format === 'file-path') return 'file'
  if (node.type === 'array') return `list of ${node.items === undefined ? 'values' : kindOf(node.items)}`
  if (node.patternProperties !== undefined) return 'options by name'
  return (
    { string: 'text', integer: 'number', object: 'options', boolean: '`true` \\| `false`' }[node.type ?? ''] ??
    node.type ??
    ''
  )
}

function rangeOf({ least, most }: SchemaNode): string {
  return `${least === undefined ? '' : ` from ${least}`}${most === undefined ? '' : ` to ${most}`}`
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function defaultOf(node: SchemaNode, isRequired: boolean): string {
  if (node.default === undefined) return isRequired ? '**required**' : ''
  if (node.type === 'object') return ''
  return `\`${typeof node.default === 'string' ? node.default : JSON.stringify(node.default)}\``
}

function rows(node: SchemaNode, prefix: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    const row = `| \`${path}\` | ${kindOf(child)} | ${escapeCell(defaultOf(child, node.required?.includes(name) === true))} | ${escapeCell(child.description ?? '')} |`
    return [row, ...inner(child, path)]
  })
}

/** The nested options: of an object, of alternatives, of the entries of a list, or of the values of a map. */
function inner(node: SchemaNode, path: string): string[] {
  const one = oneOfMany(node)
  if (one !== undefined) return inner(one, path)
  // None of them is required, because another alternative may be used.
  if (node.anyOf !== undefined && !isNoun(node.description))
    return node.anyOf.flatMap((branch) => inner({ ...branch, required: [] }, path))
  if (node.properties !== undefined) return rows(node, path)
  if (node.items?.properties !== undefined) return rows(node.items, `${path}[]`)
  const [value] = Object.values(node.patternProperties ?? {})
  return value === undefined ? [] : inner(value, `${path}.NAME`)
}

function section(name: string, node: SchemaNode): string {
  const table = inner(node, name)
  const head = ['', `## ${name}`, '', node.description ?? '', '']
  if (table.length === 0) return [...head, `${kindOf(node)}, default ${defaultOf(node, false)}`].join('\n')
  return [...head, '| option | value | default | what it does |', '|---|---|---|---|', ...table].join('\n')
}

export function configReference(): string {
  const sections = Object.entries(asNode(ConfigOptions).properties ?? {}).map(([name, node]) => section(name, node))
  return `${INTRO}${sections.join('\n')}\n`
}
