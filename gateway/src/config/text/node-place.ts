// Finds the position of an option in a YAML document.
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, type Document, type Pair } from 'yaml'

import type { AliasSources } from './alias-sources.ts'
import type { Path } from '../problem.ts'

function isNamed(pair: unknown, name: string): pair is Pair {
  return isPair(pair) && isScalar(pair.key) && typeof pair.key.value !== 'symbol' && String(pair.key.value) === name
}

function isMerge(pair: unknown): pair is Pair {
  return isPair(pair) && isScalar(pair.key) && typeof pair.key.value === 'symbol'
}

/** Returns the pair with this name, including pairs that `<<` merges. */
function findPair(sources: AliasSources, map: unknown, name: string): Pair | undefined {
  const node = isAlias(map) ? sources.get(map) : map
  // `<<` accepts one map or a list of maps.
  if (isSeq(node)) return firstOf(node.items, (item) => findPair(sources, item, name))
  if (!isMap(node)) return undefined
  return (
    node.items.find((item) => isNamed(item, name)) ??
    firstOf(node.items.filter(isMerge), ({ value }) => findPair(sources, value, name))
  )
}

function firstOf<Item, Found>(items: readonly Item[], find: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}

/** Returns the offset of the value at a path, or of its key. When the file lacks it, that of the nearest enclosing option. */
export function offsetOf(document: Document, sources: AliasSources, path: Path, atKey: boolean): number {
  let node: unknown = document.contents
  let offset = 0
  const enter = (child: unknown) => {
    node = isAlias(child) ? sources.get(child) : child
    const range = isNode(node) ? node.range : undefined
    // An omitted value has an empty range, somewhere after its key.
    if (range !== undefined && range !== null && range[1] > range[0]) offset = range[0]
  }

  for (const [index, step] of path.entries()) {
    if (typeof step === 'number') {
      if (!isSeq(node) || node.items[step] === undefined) return offset
      enter(node.items[step])
      continue
    }
    const pair = isMap(node) ? findPair(sources, node, step) : undefined
    if (pair === undefined) return offset
    offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset
    if (atKey && index === path.length - 1) return offset
    enter(pair.value)
  }
  return offset
}

/** Returns the path of a node, from its ancestors in the order of `visit`. */
export function pathOf(key: unknown, ancestors: readonly unknown[]): Path {
  const steps: (string | number)[] = []
  ancestors.forEach((ancestor, index) => {
    const child = ancestors[index + 1]
    const items = (ancestor as { items?: unknown[] }).items
    const pair = ancestor as { key?: unknown }
    if (items !== undefined && child !== undefined && !('key' in (child as object))) steps.push(items.indexOf(child))
    else if (items === undefined && 'key' in pair && isScalar(pair.key)) steps.push(String(pair.key.value))
  })
  if (typeof key === 'number') steps.push(key)
  return steps
}
