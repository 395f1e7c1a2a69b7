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

/** What is known of a value by its place: all schemas that it may be described by, as one. */
interface Shape {
  /** Nothing describes it, or a schema calls it a secret. */
  readonly isHidden: boolean
  readonly unit: SchemaNode['unit']
  readonly member: (step: string | number) => Shape
}

/** The node, or what it may be instead. */
function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return [node, ...(node.anyOf ?? []).flatMap(alternatives)]
}

/** Shapes of the same place are made once: a thousand routes have one. */
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
      // Names of upstreams and claims are many, and what describes them is the same.
      const key = describing.length > 0 ? `own ${step}` : `named ${named.map(([pattern]) => pattern.source).join(' ')}`
      return shapeOf(key, () => [
        ...describing.flatMap(({ properties }) => properties?.[step] ?? []),
        ...named.map(([, child]) => child),
      ])
    },
  }
}

/** What no schema describes is masked, and what may be a secret by any of its schemas. An empty text holds none. */
function shown(shape: Shape, value: unknown): unknown {
  if (shape.isHidden) return value === '' ? '' : MASK
  if (Array.isArray(value)) return value.map((member, index) => shown(shape.member(index), member))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shown(shape.member(key), member)]))
  if (typeof value === 'number' && shape.unit !== undefined) return withUnit(value, shape.unit)
  return typeof value === 'string' ? withoutCredentials(value) : value
}

const whole = createShape([asNode(ConfigOptions)])
const known = new WeakMap<Config, ShownConfig>()

/** Made once for each config, which takes some tens of milliseconds with a thousand routes. */
export function showConfig(config: Config): ShownConfig {
  const before = known.get(config)
  if (before !== undefined) return before
  const told = shown(whole, config) as ShownConfig['config']
  const digest = createHash('sha256').update(JSON.stringify(told)).digest('base64url').slice(0, 16)
  known.set(config, { config: told, digest })
  return { config: told, digest }
}
