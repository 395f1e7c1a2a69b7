// The loaded config as it is shown to whoever operates it: durations and sizes as one writes them, and nothing secret.
import { createHash } from 'node:crypto'

import { ConfigOptions, type Config } from '../options/config.ts'
import { asNode, type SchemaNode } from './schema/schema-walk.ts'

export interface ShownConfig {
  readonly config: Readonly<Record<string, unknown>>
  /** Of all that is shown. Secrets stay out of it: who may see a digest could guess weak ones by it. */
  readonly digest: string
}

export const MASK = '***'

const UNITS = {
  duration: { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 },
  size: { GiB: 1024 ** 3, MiB: 1024 ** 2, KiB: 1024, B: 1 },
} as const
const ZERO = { duration: '0s', size: '0B' } as const

/** In the largest unit that leaves no fraction, as in the options. */
function withUnit(value: number, kind: keyof typeof UNITS): string {
  if (value === 0) return ZERO[kind]
  const [unit, size] = Object.entries(UNITS[kind]).find(([, per]) => value % per === 0) ?? ['', 1]
  return `${value / size}${unit}`
}

/** A user and password in an address, and what follows ?, may be keys, whatever the option is. */
function withoutCredentials(text: string): string {
  return /^[a-z][\w+.-]*:\/\//i.test(text)
    ? text.replace(/:\/\/[^/?#]*@/, `://${MASK}@`).replace(/\?[^#]+/, `?${MASK}`)
    : text
}

/** The node, or what it may be instead. */
function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return [node, ...(node.anyOf ?? []).flatMap(alternatives)]
}

function inside(nodes: readonly SchemaNode[], step: string | number): readonly SchemaNode[] {
  return nodes.flatMap((node) => {
    if (typeof step === 'number') return node.items === undefined ? [] : alternatives(node.items)
    const known = Object.hasOwn(node.properties ?? {}, step) ? node.properties?.[step] : undefined
    const named = Object.entries(node.patternProperties ?? {}).filter(([pattern]) => new RegExp(pattern).test(step))
    return [...(known === undefined ? [] : [known]), ...named.map(([, child]) => child)].flatMap(alternatives)
  })
}

/** What no schema describes is masked, and what may be a secret by any of its schemas. An empty text holds none. */
function shown(nodes: readonly SchemaNode[], value: unknown): unknown {
  if (nodes.length === 0 || nodes.some(({ writeOnly }) => writeOnly === true)) return value === '' ? '' : MASK
  if (Array.isArray(value)) return value.map((member, index) => shown(inside(nodes, index), member))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shown(inside(nodes, key), member)]))
  const unit = nodes.find((node) => node.unit !== undefined)?.unit
  if (typeof value === 'number' && unit !== undefined) return withUnit(value, unit)
  return typeof value === 'string' ? withoutCredentials(value) : value
}

export function showConfig(config: Config): ShownConfig {
  const whole = shown(alternatives(asNode(ConfigOptions)), config) as ShownConfig['config']
  return { config: whole, digest: createHash('sha256').update(JSON.stringify(whole)).digest('base64url').slice(0, 16) }
}
