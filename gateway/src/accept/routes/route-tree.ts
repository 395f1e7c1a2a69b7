// Finds the route of a request: path segments from the left, then host, then method. The narrowest match wins.
import type { TableEntry } from './route-table.ts'

type Methods<Route> = Map<string, TableEntry<Route>>

/** The entries of one path by host. Order: exact name, narrowest wildcard, any host. */
class Hosts<Route> {
  readonly #names = new Map<string, Methods<Route>>()
  /** Keyed by the suffix after the asterisk: `.example.com`. */
  readonly #wildcards = new Map<string, Methods<Route>>()
  #any: Methods<Route> | undefined

  methodsOf(host: string | undefined): Methods<Route> {
    if (host === undefined) return (this.#any ??= new Map<string, TableEntry<Route>>())
    const [table, key] = host.startsWith('*') ? [this.#wildcards, host.slice(1)] : [this.#names, host]
    const methods = table.get(key) ?? new Map<string, TableEntry<Route>>()
    table.set(key, methods)
    return methods
  }

  find(host: string, method: string): TableEntry<Route> | undefined {
    if (this.#names.size === 0 && this.#wildcards.size === 0) return this.#any?.get(method)
    return (this.#names.get(host) ?? this.#wildcard(host) ?? this.#any)?.get(method)
  }

  #wildcard(host: string): Methods<Route> | undefined {
    if (this.#wildcards.size === 0) return undefined
    for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const methods = this.#wildcards.get(host.slice(dot))
      if (methods !== undefined) return methods
    }
    return undefined
  }
}

class Node<Route> {
  readonly texts = new Map<string, Node<Route>>()
  /** The text of a single child, compared without a slice: the first segments of an API are often the same. */
  onlyText: string | undefined
  parameter: Node<Route> | undefined
  /** Entries of paths that end here, and of paths with `/*` after this segment. */
  exact: Hosts<Route> | undefined
  prefix: Hosts<Route> | undefined

  child(segment: string): Node<Route> {
    if (segment.startsWith(':')) return (this.parameter ??= new Node())
    const known = this.texts.get(segment)
    if (known !== undefined) return known
    const made = new Node<Route>()
    this.texts.set(segment, made)
    this.onlyText = this.texts.size === 1 ? segment : undefined
    return made
  }

  childFor(path: string, start: number, end: number): Node<Route> | undefined {
    const { texts, onlyText } = this
    if (texts.size === 0) return undefined
    if (onlyText === undefined) return texts.get(path.slice(start, end))
    return onlyText.length === end - start && path.startsWith(onlyText, start) ? texts.get(onlyText) : undefined
  }
}

/** `start` is the offset of the next segment, past the end when there is none. */
function find<Route>(
  node: Node<Route>,
  path: string,
  start: number,
  host: string,
  method: string,
): TableEntry<Route> | undefined {
  if (start > path.length) return node.exact?.find(host, method) ?? node.prefix?.find(host, method)
  const slashAt = path.indexOf('/', start)
  const end = slashAt === -1 ? path.length : slashAt
  const text = node.childFor(path, start, end)
  if (text !== undefined) {
    const found = find(text, path, end + 1, host, method)
    if (found !== undefined) return found
  }
  if (node.parameter !== undefined && end > start) {
    const found = find(node.parameter, path, end + 1, host, method)
    if (found !== undefined) return found
  }
  return node.prefix?.find(host, method)
}

export interface RouteTree<Route> {
  /** Returns the entry; undefined when no path and host match. `path` is decoded and begins with a slash. */
  find(path: string, host: string, method: string): TableEntry<Route> | undefined
}

/**
 * Builds a tree. `pathOf` gives the path of an entry. `isBetter` decides which entry stays when two have the same path, host and
 * method, which does not occur in a route table.
 */
export function createRouteTree<Route>(
  entries: readonly TableEntry<Route>[],
  pathOf: (entry: TableEntry<Route>) => string = ({ path }) => path,
  isBetter: (entry: TableEntry<Route>, than: TableEntry<Route>) => boolean = () => true,
): RouteTree<Route> {
  const root = new Node<Route>()
  for (const entry of entries) {
    const segments = pathOf(entry).split('/').slice(1)
    const isPrefix = segments.at(-1) === '*'
    let node = root
    for (const segment of isPrefix ? segments.slice(0, -1) : segments) node = node.child(segment)
    const hosts = isPrefix ? (node.prefix ??= new Hosts()) : (node.exact ??= new Hosts())
    const methods = hosts.methodsOf(entry.host)
    for (const method of entry.methods) {
      const rival = methods.get(method)
      if (rival === undefined || isBetter(entry, rival)) methods.set(method, entry)
    }
  }
  return { find: (path, host, method) => find(root, path, 1, host, method) }
}
