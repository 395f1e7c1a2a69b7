// Refuses YAML features that a config does not need: keys that are not text, duplicate keys, aliases that expand without bound.
import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, type Document, type Node } from 'yaml'

import type { AliasSources } from './alias-sources.ts'

export interface DocumentFault {
  readonly offset: number
  readonly message: string
  readonly hint?: string
  /** Offset of the first occurrence, whose line is shown too. */
  readonly firstOffset?: number
}

const MAX_DEPTH = 50
// The library's limit maxAliasCount counts uses, but a hundred routes that share one anchor are no attack.
const MAX_VALUES = 200_000
// The library resolves each alias by walking past all others: 10000 aliases took 4 s, 150000 took minutes.
const MAX_ALIASES = 2000

// The library knows more types (sets, dates, bytes), which as options would be objects that seem to be empty.
const PLAIN_TAGS: ReadonlySet<string> = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((kind) => `tag:yaml.org,2002:${kind}`),
)

class Endless extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0
}

/** Returns the error of a key. `seen` holds the earlier keys of the same object, with their offsets. */
function keyFault(key: unknown, seen: Map<string, number>): DocumentFault | undefined {
  const offset = offsetOf(key)
  const value = isScalar<unknown>(key) ? key.value : undefined
  if (typeof value === 'symbol') return undefined // The merge key <<, which may occur more than once.
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    return { offset, message: 'a key must be text' }
  const name = String(value)
  // As an option it would set the prototype of its object, and disappear.
  if (name === '__proto__') return { offset, message: '__proto__ cannot be a key' }
  const firstOffset = seen.get(name)
  if (firstOffset !== undefined) return { offset, message: 'this key is there twice', firstOffset }
  seen.set(name, offset)
  return undefined
}

/** True for a value that `<<` can merge: a map, or a list of maps. */
function isMergeable(value: unknown, sources: AliasSources): boolean {
  const node = isAlias(value) ? sources.get(value) : value
  return isSeq(node) ? node.items.every((item) => isMap(isAlias(item) ? sources.get(item) : item)) : isMap(node)
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'symbol'
}

function createInspector(sources: AliasSources, faults: DocumentFault[]) {
  const sizes = new Map<Node, number>()

  /** Returns the number of values of this node after its aliases are resolved. */
  return function sizeOf(node: unknown, depth: number): number {
    if (isAlias(node)) {
      const source = sources.get(node)
      if (source === undefined) {
        faults.push({ offset: offsetOf(node), message: 'this alias names no anchor before it' })
        return 1
      }
      // An anchor precedes its aliases. An anchor without a size is still being counted, so the alias is inside it.
      const size = sizes.get(source)
      if (size === undefined) throw new Endless('this alias stands inside of what it names', offsetOf(node))
      return size
    }
    if ((isScalar(node) || isCollection(node)) && node.tag !== undefined && !PLAIN_TAGS.has(node.tag))
      faults.push({ offset: offsetOf(node), message: 'this tag is not known' })
    let size = 1
    if (isCollection(node)) {
      if (depth > MAX_DEPTH) throw new Endless('nested too deeply', offsetOf(node))
      const seen = new Map<string, number>()
      for (const item of node.items) {
        // The library compares each key with all keys before it: 80000 keys took more than a minute.
        const fault = isMap(node) && isPair(item) ? keyFault(item.key, seen) : undefined
        if (fault !== undefined) faults.push(fault)
        if (isPair(item) && isMergeKey(item.key) && !isMergeable(item.value, sources))
          faults.push({ offset: offsetOf(item.key), message: '<< takes options, or a list of them, by alias' })
        size += sizeOf(isPair(item) ? item.value : item, depth + 1)
        if (size > MAX_VALUES)
          throw new Endless(
            'too many aliases: the file would grow beyond bounds',
            offsetOf(isPair(item) ? item.key : item),
          )
      }
    }
    if (isScalar(node) || isCollection(node)) sizes.set(node, size)
    return size
  }
}

export function checkDocument(document: Document, sources: AliasSources): readonly DocumentFault[] {
  const faults: DocumentFault[] = []
  try {
    if (sources.size > MAX_ALIASES) throw new Endless('too many aliases', 0)
    createInspector(sources, faults)(document.contents, 0)
  } catch (error) {
    if (!(error instanceof Endless)) throw error
    faults.push({ offset: error.offset, message: error.message })
  }
  return faults
}
