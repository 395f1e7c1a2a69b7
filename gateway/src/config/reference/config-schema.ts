// Creates the JSON schema of the config, for editors.
import { ConfigOptions } from '../../options/config.ts'

/** A schema as JSON. Keywords are distinguished from options, which may have the names `format` or `required`. */
interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly format?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly required?: readonly string[]
  readonly unit?: string
  readonly least?: string
  readonly most?: string
  readonly template?: boolean
}

/** Formats of Tollgate: some validators refuse a schema with an unknown format. */
const OWN_FORMATS: ReadonlySet<string> = new Set(['file-path', 'folder-path', 'socket-path'])

const REFERENCE = '\\$\\{'

function eachOf(schemas: Readonly<Record<string, JsonSchema>>): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, forEditors(schema)]))
}

/** The required options without a default: an editor checks the file before defaults are filled in. */
function needed({ required = [], properties = {} }: JsonSchema): readonly string[] {
  return required.filter((name) => properties[name]?.default === undefined)
}

/** Allows a reference for any value, so numbers and choices may be written as `"${PORT:-8080}"`. */
function orReference(schema: JsonSchema): JsonSchema {
  const { type, pattern, description, default: fallback } = schema
  if (schema.enum !== undefined || type === 'integer' || type === 'number' || type === 'boolean') {
    return {
      ...(description === undefined ? {} : { description }),
      ...(fallback === undefined ? {} : { default: fallback }),
      anyOf: [withoutDescription(schema), { type: 'string', pattern: REFERENCE }],
    }
  }
  return type === 'string' && pattern !== undefined ? { ...schema, pattern: `(${pattern})|${REFERENCE}` } : schema
}

function withoutDescription({ description: _, ...rest }: JsonSchema): JsonSchema {
  return rest
}

/** Removes the keywords of Tollgate, which strict validators refuse. */
function withoutOwnKeywords({ unit: _unit, least: _least, most: _most, template: _template, ...rest }: JsonSchema) {
  return rest
}

function forEditors(schema: JsonSchema): JsonSchema {
  const { required, format, ...known } = schema
  const rest = withoutOwnKeywords(known)
  const stillRequired = needed(schema)
  return orReference({
    ...rest,
    ...(format === undefined || OWN_FORMATS.has(format) ? {} : { format }),
    ...(rest.properties === undefined ? {} : { properties: eachOf(rest.properties) }),
    ...(rest.patternProperties === undefined ? {} : { patternProperties: eachOf(rest.patternProperties) }),
    ...(rest.items === undefined ? {} : { items: forEditors(rest.items) }),
    ...(rest.anyOf === undefined ? {} : { anyOf: rest.anyOf.map(forEditors) }),
    ...(required === undefined || stillRequired.length === 0 ? {} : { required: stillRequired }),
  })
}

export function configSchemaJson(): string {
  const plain = JSON.parse(JSON.stringify(ConfigOptions)) as JsonSchema
  return `${JSON.stringify({ ...forEditors(plain), patternProperties: { '^x-': {} } }, null, 2)}\n`
}
