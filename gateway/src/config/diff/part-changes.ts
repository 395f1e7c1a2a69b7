// Pairs the parts of two configs (routes, upstreams, issuers, listeners) by what identifies them, and tells how they differ.
import type { Shape } from '../shown-config.ts'
import { optionChanges, type OptionChange } from './option-changes.ts'

export interface PartChanges<Name> {
  readonly added: readonly Name[]
  readonly removed: readonly Name[]
  readonly changed: readonly (Name & { readonly options: readonly OptionChange[] })[]
}

export interface PartKind<Value, Name> {
  readonly shape: Shape
  readonly nameOf: (value: Value) => Name
  /** What identifies a part, the narrowest first: what finds no other by one is looked for by the next. */
  readonly keys: readonly ((value: Value) => string)[]
}

type Pair<Value> = readonly [before: Value, after: Value]

/** Each key has at most one part on each side, or says nothing of those that it has. */
function uniqueByKey<Value>(values: Iterable<Value>, keyOf: (value: Value) => string): ReadonlyMap<string, Value> {
  const found = new Map<string, Value>()
  const several = new Set<string>()
  for (const value of values) {
    const key = keyOf(value)
    if (found.has(key)) several.add(key)
    found.set(key, value)
  }
  for (const key of several) found.delete(key)
  return found
}

/** Takes what has a counterpart out of both. Linear, as there may be thousands of routes. */
function takePairs<Value>(
  before: Set<Value>,
  after: Set<Value>,
  keyOf: (value: Value) => string,
): readonly Pair<Value>[] {
  const byKey = uniqueByKey(after, keyOf)
  const pairs = [...uniqueByKey(before, keyOf)].flatMap(([key, one]) => {
    const other = byKey.get(key)
    return other === undefined ? [] : [[one, other] as const]
  })
  for (const [one, other] of pairs) {
    before.delete(one)
    after.delete(other)
  }
  return pairs
}

export function partChanges<Value, Name>(
  before: readonly Value[],
  after: readonly Value[],
  { shape, nameOf, keys }: PartKind<Value, Name>,
): PartChanges<Name> {
  const [left, right] = [new Set(before), new Set(after)]
  const pairs = keys.flatMap((keyOf) => takePairs(left, right, keyOf))
  const changed = pairs.flatMap(([one, other]) => {
    const options = optionChanges(shape, one, other)
    return options.length === 0 ? [] : [{ ...nameOf(one), options }]
  })
  return { added: [...right].map(nameOf), removed: [...left].map(nameOf), changed }
}
