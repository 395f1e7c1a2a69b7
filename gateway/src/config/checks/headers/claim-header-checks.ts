// Checks headers that carry claims: pointers, notations that do not go together, and defaults that no header can have.
import { claimPointerFault } from '../route/claim-pointer.ts'
import { isOptions, options, text, type Loose } from '../loose.ts'
import type { OwnHeader } from './header-names.ts'
import type { Finding, Path } from '../../problem.ts'
import { fallbackText } from '../../../forward/headers/claim-headers.ts'
import { parseSize } from '../../../options/kinds.ts'

/** The maps of claim headers of a config, each with its path. */
function mapsOf(config: Loose, routes: readonly Loose[]): readonly (readonly [map: Loose, path: Path])[] {
  return [
    [options(config['claimHeaders']), ['claimHeaders']],
    ...routes.map((route, index): [Loose, Path] => [options(route['claimHeaders']), ['routes', index, 'claimHeaders']]),
  ]
}

/** The names that they take, for checkOwnHeaders. */
export function claimHeadersOf(config: Loose, routes: readonly Loose[]): readonly OwnHeader[] {
  return mapsOf(config, routes).flatMap(([map, path]) =>
    Object.keys(map).map((name) => ({ name, path: [...path, name], atKey: true, carries: 'a claim' })),
  )
}

function checkPointer(pointer: string | undefined, path: Path): readonly Finding[] {
  const fault = pointer === undefined || pointer === '' ? undefined : claimPointerFault(pointer)
  return fault === undefined ? [] : [{ path, ...fault }]
}

const ENCODINGS = ['text', 'base64url', 'json'] as const

function checkDefault(header: Loose, path: Path): readonly Finding[] {
  const { default: fallback, join, maxBytes } = header
  const encode = ENCODINGS.find((name) => name === (header['encode'] ?? 'text'))
  if (typeof fallback !== 'string' || encode === undefined) return []
  const most = parseSize(text(maxBytes) ?? '1KiB')
  if (Number.isNaN(most)) return []
  const notation = { encode, join: text(join), maxBytes: most, fallback }
  if (fallbackText(notation) !== undefined) return []
  const hint = encode === 'text' ? 'printable ASCII, and no longer than maxBytes; or encode: base64url' : undefined
  return [{ path: [...path, 'default'], message: 'cannot be the value of this header', hint }]
}

function checkHeader(header: unknown, path: Path): readonly Finding[] {
  if (!isOptions(header)) return checkPointer(text(header), path)
  const { claim, join, encode = 'text' } = header
  const findings = [...checkPointer(text(claim), [...path, 'claim']), ...checkDefault(header, path)]
  if (join !== undefined && encode === 'json')
    findings.push({ path: [...path, 'join'], atKey: true, message: 'has no effect with encode: json' })
  if (claim === '' && encode === 'text')
    findings.push({ path: [...path, 'claim'], message: 'all claims are no text', hint: 'encode: base64url, or json' })
  return findings
}

export function checkClaimHeaders(config: Loose, routes: readonly Loose[]): readonly Finding[] {
  return mapsOf(config, routes).flatMap(([map, path]) =>
    Object.entries(map).flatMap(([name, header]) => checkHeader(header, [...path, name])),
  )
}
