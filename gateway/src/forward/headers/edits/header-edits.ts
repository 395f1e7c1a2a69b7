// Compiles changes of headers to one function for a route and direction: what is removed, and what is appended.
import type { ClaimField } from '../claim-headers.ts'
import { parseTemplate, type TemplatePart } from './edit-template.ts'
import { foldName } from '../header-names.ts'
import type { Admitted } from '../../admitted.ts'
import type { ClientOf } from '../../../message/client-address.ts'
import { memoizeByName } from '../../../message/memoize.ts'
import { peerAddressOf, type PeerTrust } from '../../../message/trusted-proxies.ts'
import type { Config } from '../../../options/config.ts'
import { SECURITY_HEADERS, SECURITY_PRESETS, type HeaderEditsOptions } from '../../../options/forward/header-edits.ts'
import type { ReadOnly } from '../../../options/read-only.ts'

export type EditsConfig = Pick<Config, 'headers' | 'routes' | 'upstreams'>
type RouteConfig = Pick<Config['routes'][number], 'headers' | 'upstream' | 'path'>
type Direction = 'request' | 'response'
type Level = ReadOnly<HeaderEditsOptions>

/** Changes headers in place. */
export type HeaderEdit = (headers: string[], admitted: Admitted) => void

export interface EditParts {
  readonly clientOf: ClientOf
  readonly isTrusted: PeerTrust
  /** Where the value of a field is among those of a caller. */
  readonly placeOf: (field: ClaimField) => number
}

const CLAIM_BYTES = 1024

/** What the levels come to: names that are removed, folded, and the headers that are appended after that. */
export interface FoldedEdits {
  readonly removed: ReadonlySet<string>
  readonly appended: readonly (readonly [name: string, value: string])[]
}

export function levelsOf({ headers, upstreams }: EditsConfig, route: Omit<RouteConfig, 'path'>): readonly Level[] {
  const ofUpstream = route.upstream === undefined ? undefined : upstreams[route.upstream]?.headers
  return [headers, ofUpstream, route.headers].filter((level) => level !== undefined)
}

/** The names of all request headers that some route changes. */
export function changedInRequests(config: EditsConfig): readonly string[] {
  const levels = config.routes.flatMap((route) => levelsOf(config, route))
  return levels.flatMap(({ request: { remove = [], set = {}, add = {} } = {} }) => [
    ...remove,
    ...Object.keys(set),
    ...Object.keys(add),
  ])
}

export function foldEdits(levels: readonly Level[], direction: Direction): FoldedEdits {
  const removed = new Set<string>()
  let appended: (readonly [string, string])[] = []
  const drop = (name: string) => {
    removed.add(foldName(name))
    appended = appended.filter(([other]) => foldName(other) !== foldName(name))
  }
  for (const level of levels) {
    const { remove = [], set = {}, add = {} } = level[direction] ?? {}
    for (const name of [...remove, ...Object.keys(set)]) drop(name)
    appended.push(
      ...[...Object.entries(set), ...Object.entries(add)].map(([name, value]) => [name.toLowerCase(), value] as const),
    )
  }
  return { removed, appended }
}

/** The claims that the values of a route's headers hold, as fields: their text is made once for each token. */
export function editFieldsOf(config: EditsConfig, route: Omit<RouteConfig, 'path'>): readonly ClaimField[] {
  const levels = levelsOf(config, route)
  return (['request', 'response'] as const).flatMap((direction) =>
    foldEdits(levels, direction).appended.flatMap(([name, value]) =>
      partsOf(value).flatMap((part) => ('claim' in part ? [fieldOf(name, part.claim)] : [])),
    ),
  )
}

function fieldOf(name: string, claim: string): ClaimField {
  return { name, claim, join: undefined, fallback: undefined, encode: 'text', maxBytes: CLAIM_BYTES }
}

/** A checked config has no other references. */
function partsOf(value: string): readonly TemplatePart[] {
  const parts = parseTemplate(value)
  if ('unknown' in parts) throw new Error(`there is no \${${parts.unknown}}`)
  return parts
}

type Read = (admitted: Admitted) => string | undefined

function compilePart(part: TemplatePart, name: string, path: string, { clientOf, placeOf }: EditParts): Read {
  if ('text' in part) return () => part.text
  if ('claim' in part) {
    const place = placeOf(fieldOf(name, part.claim))
    return ({ caller }) => caller?.claimValues[place]
  }
  if (part.fact === 'client.ip') return ({ request }) => clientOf(request)
  if (part.fact === 'request.id') return ({ requestId }) => requestId
  return () => path
}

/** Undefined where a part is not there: half a value would mean something else. */
function compileValue(name: string, value: string, path: string, parts: EditParts): Read {
  const reads = partsOf(value).map((part) => compilePart(part, name, path, parts))
  const [only = () => undefined] = reads
  if (reads.length === 1) return only
  return (admitted) => {
    let text = ''
    for (const read of reads) {
      const piece = read(admitted)
      if (piece === undefined) return undefined
      text += piece
    }
    return text
  }
}

function removeFolded(headers: string[], isRemoved: (name: string) => boolean): void {
  for (let index = headers.length - 2; index >= 0; index -= 2)
    if (isRemoved(headers[index] as string)) headers.splice(index, 2)
}

function compileFolded({ removed, appended }: FoldedEdits, path: string, parts: EditParts): HeaderEdit | undefined {
  if (removed.size === 0 && appended.length === 0) return undefined
  const isRemoved = memoizeByName((name) => removed.has(foldName(name)))
  const compiled = appended.map(([name, value]) => ({ name, read: compileValue(name, value, path, parts) }))
  return (headers, admitted) => {
    if (removed.size > 0) removeFolded(headers, isRemoved)
    for (const { name, read } of compiled) {
      const value = read(admitted)
      if (value !== undefined) headers.push(name, value)
    }
  }
}

/** RFC 6797 section 7.2: not over a connection that is not secure. Whether one through a proxy is, the proxy knows. */
function isSecure({ request }: Admitted, isTrusted: PeerTrust): boolean {
  return 'encrypted' in request.socket || isTrusted(peerAddressOf(request))
}

function compileSecurity(levels: readonly Level[], { isTrusted }: EditParts): HeaderEdit | undefined {
  const wanted = SECURITY_PRESETS.filter((preset) => levels.some(({ security }) => security?.includes(preset)))
  if (wanted.length === 0) return undefined
  return (headers, admitted) => {
    for (const preset of wanted) {
      const [name, value] = SECURITY_HEADERS[preset]
      const isSaid = headers.some((spelt, index) => index % 2 === 0 && spelt.toLowerCase() === name)
      if (!isSaid && (preset !== 'hsts' || isSecure(admitted, isTrusted))) headers.push(name, value)
    }
  }
}

function both(first: HeaderEdit | undefined, then: HeaderEdit | undefined): HeaderEdit | undefined {
  if (first === undefined || then === undefined) return first ?? then
  return (headers, admitted) => {
    first(headers, admitted)
    then(headers, admitted)
  }
}

/** The edits of a route; undefined for a direction in which it has none. Routes with the same ones share them. */
export function createEditsOf(config: EditsConfig, parts: EditParts) {
  const made = new Map<
    string,
    { readonly request: HeaderEdit | undefined; readonly response: HeaderEdit | undefined }
  >()
  return (route: RouteConfig) => {
    const levels = levelsOf(config, route)
    const text = JSON.stringify(levels)
    const key = text.includes('${route.path}') ? `${route.path} ${text}` : text
    const edits = made.get(key) ?? {
      request: compileFolded(foldEdits(levels, 'request'), route.path, parts),
      response: both(compileFolded(foldEdits(levels, 'response'), route.path, parts), compileSecurity(levels, parts)),
    }
    made.set(key, edits)
    return edits
  }
}
