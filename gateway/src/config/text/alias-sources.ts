// Finds the source of each alias of a YAML document: the last anchor of that name before it.
import { visit, type Alias, type Document, type Node } from 'yaml'

export type AliasSources = ReadonlyMap<Alias, Node>

/** Resolves all aliases in one pass, because the library's `alias.resolve` walks the whole document for each alias. */
export function findAliasSources(document: Document): AliasSources {
  const anchors = new Map<string, Node>()
  const sources = new Map<Alias, Node>()
  visit(document, {
    Alias(_key, alias) {
      const source = anchors.get(alias.source)
      if (source !== undefined) sources.set(alias, source)
    },
    Value(_key, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
    },
  })
  return sources
}
