// Formats the loaded config for operators: durations and sizes with units, and secrets masked.
import { createHash } from 'node:crypto'

import { ConfigOptions, type Config } from '../options/config.ts'
import { asNode, type SchemaNode } from './schema/schema-walk.ts'

export interface ShownConfig {
  readonly config: Readonly<Record<string, unknown>>
  /** Digest of everything that is shown. Secrets are left out, because a weak one could be guessed from the digest. */
  readonly digest: string
}

export const MASK = '***'

const UNITS = {
  duration: { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 },
  size: { GiB: 1024 ** 3, MiB: 1024 ** 2, KiB: 1024, B: 1 },
} as const
const ZERO = { duration: '0s', size: '0B' } as const

/** Formats a value in the largest unit without a fraction, as in the options. */
function withUnit(value: number, kind: keyof typeof UNITS): string {
  if (value === 0) return ZERO[kind]
  const [unit, size] = Object.entries(UNITS[kind]).find(([, per]) => value % per === 0) ?? ['', 1]
  return `${value / size}${unit}`
}

/** Masks user, password and query of a URL, and the query of a path: they may be secrets in any option. */
function withoutCredentials(text: string): string {
  return /^(?:[a-z][\w+.-]*:\/)?\//i.test(text)
    ? text.replace(/:\/\/[^/?#]*@/, `://${MASK}@`).replace(/\?[^#]+/, `?${MASK}`)
    : text
}

/** The rules for the values at one path: all schemas that may describe them, combined. */
export interface Shape {
  /** True when no schema describes the value, or one marks it as a secret. */
  readonly isHidden: boolean
  readonly unit: SchemaNode['unit']
  readonly member: (step: string | number) => Shape
}

/** The schema node with its alternatives, at any depth. */
function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return [node, ...(node.anyOf ?? []).flatMap(alternatives)]
}

/** Shapes are cached by path: a thousand routes share one. */
function createShape(places: readonly SchemaNode[]): Shape {
  const nodes = places.flatMap(alternatives)
  const patterns = nodes
    .flatMap((node) => Object.entries(node.patternProperties ?? {}))
    .map(([pattern, child]) => [new RegExp(pattern), child] as const)
  const made = new Map<string, Shape>()

  function shapeOf(key: string, children: () => readonly SchemaNode[]): Shape {
    const shape = made.get(key) ?? createShape(children())
    made.set(key, shape)
    return shape
  }

  return {
    isHidden: nodes.length === 0 || nodes.some(({ writeOnly }) => writeOnly === true),
    unit: nodes.find((node) => node.unit !== undefined)?.unit,
    member(step) {
      if (typeof step === 'number') return shapeOf('items', () => nodes.flatMap(({ items }) => items ?? []))
      const describing = nodes.filter(({ properties = {} }) => Object.hasOwn(properties, step))
      const named = patterns.filter(([pattern]) => pattern.test(step))
      // Upstreams and claims have many names, which share one schema.
      const key = describing.length > 0 ? `own ${step}` : `named ${named.map(([pattern]) => pattern.source).join(' ')}`
      return shapeOf(key, () => [
        ...describing.flatMap(({ properties }) => properties?.[step] ?? []),
        ...named.map(([, child]) => child),
      ])
    },
  }
}

/** Masks values that no schema describes, and values that any of their schemas marks as secret. An empty text is shown. */
export function shown(shape: Shape, value: unknown): unknown {
  if (shape.isHidden) return value === '' ? '' : MASK
  if (Array.isArray(value)) return value.map((member, index) => shown(shape.member(index), member))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shown(shape.member(key), member)]))
  if (typeof value === 'number' && shape.unit !== undefined) return withUnit(value, shape.unit)
  return typeof value === 'string' ? withoutCredentials(value) : value
}

/** The shape of a whole config. */
export const CONFIG_SHAPE = createShape([asNode(ConfigOptions)])
const known = new WeakMap<Config, ShownConfig>()

/** Computed once for each config: it takes some tens of milliseconds with a thousand routes. */
export function showConfig(config: Config): ShownConfig {
  const before = known.get(config)
  if (before !== undefined) return before
  const told = shown(CONFIG_SHAPE, config) as ShownConfig['config']
  const digest = createHash('sha256').update(JSON.stringify(told)).digest('base64url').slice(0, 16)
  known.set(config, { config: told, digest })
  return { config: told, digest }
}
