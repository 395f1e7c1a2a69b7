// Checks changes of headers: names that may be changed, and values that can be written, with references that there are.
import { claimPointerFault } from '../route/claim-pointer.ts'
import type { OwnHeader } from './header-names.ts'
import { entries, isOptions, options, type Loose } from '../loose.ts'
import type { Finding, Path } from '../../problem.ts'
import { parseTemplate, TEMPLATE_FORMS } from '../../../forward/headers/edits/edit-template.ts'
import {
  foldName,
  FRAMING,
  HOP_BY_HOP,
  MISTAKEN_FOR_SETTINGS,
  SAID_BY_GATEWAY,
} from '../../../forward/headers/header-names.ts'

type Fault = Pick<Finding, 'message' | 'hint'>

const NAME = /^[A-Za-z0-9!#$%&'*+.^`|~-]+$/
const TEXT = /^[ -~]*$/
const CODED: ReadonlySet<string> = new Set(['content-encoding', 'content-range', 'trailer'])
const OF_THE_GATEWAY: ReadonlySet<string> = new Set(['x-tollgate', 'x-renewed-token', 'forwarded', 'via'])

function isSaidByGateway(folded: string): boolean {
  const sets = [SAID_BY_GATEWAY, OF_THE_GATEWAY, MISTAKEN_FOR_SETTINGS]
  return folded.startsWith('x-forwarded-') || sets.some((names) => names.has(folded))
}

function nameFault(name: string, own: ReadonlyMap<string, string>): Fault | undefined {
  const folded = foldName(name)
  const carried = own.get(folded)
  if (!NAME.test(name))
    return { message: 'is no name of a header that all read in one way', hint: 'letters, digits and -' }
  if (FRAMING.has(folded) || CODED.has(folded))
    return { message: 'says where a message goes or ends, or what its body is: it cannot be changed' }
  if (HOP_BY_HOP.has(folded) || folded.startsWith('sec-websocket-'))
    return { message: 'belongs to one connection: it cannot be changed', hint: 'RFC 9110 section 7.6.1' }
  if (carried !== undefined) return { message: `carries ${carried}: it cannot be changed` }
  if (folded.startsWith('access-control-'))
    return { message: 'is said by the gateway: it cannot be changed', hint: 'the option cors says it' }
  return isSaidByGateway(folded) ? { message: 'is said by the gateway: it cannot be changed' } : undefined
}

function valueFault(value: string): Fault | undefined {
  const parts = parseTemplate(value)
  if ('unknown' in parts)
    return { message: 'has a reference that there is not', hint: `for requests there are ${TEMPLATE_FORMS}` }
  for (const part of parts) {
    const fault = 'claim' in part ? claimPointerFault(part.claim) : undefined
    if (fault !== undefined) return { message: `\${claims:...} ${fault.message}`, hint: fault.hint }
    if ('text' in part && !TEXT.test(part.text)) return { message: 'is no text of a header', hint: 'printable ASCII' }
  }
  return value.trim() === value ? undefined : { message: 'begins or ends with a blank, which parsers drop' }
}

function checkDirection(edits: unknown, at: Path, own: ReadonlyMap<string, string>): readonly Finding[] {
  const { set, add, remove } = options(edits)
  const values = Object.entries({ set, add }).flatMap(([kind, map]) =>
    Object.entries(options(map)).flatMap(([name, value]): Finding[] => {
      const path = [...at, kind, name]
      const fault = nameFault(name, own)
      if (fault !== undefined) return [{ path, atKey: true, ...fault }]
      const ofValue = typeof value === 'string' ? valueFault(value) : undefined
      return ofValue === undefined ? [] : [{ path, ...ofValue }]
    }),
  )
  const removals = entries(remove).flatMap((name, index): Finding[] => {
    const fault = typeof name === 'string' ? nameFault(name, own) : undefined
    return fault === undefined ? [] : [{ path: [...at, 'remove', index], ...fault }]
  })
  return [...values, ...removals]
}

export function checkEdits(config: Loose, routes: readonly Loose[], owned: readonly OwnHeader[]): readonly Finding[] {
  const own = new Map(owned.map(({ name, carries }) => [foldName(name), carries]))
  const upstreams = isOptions(config['upstreams']) ? Object.entries(config['upstreams']) : []
  const places: readonly (readonly [edits: unknown, path: Path])[] = [
    [config['headers'], ['headers']],
    ...upstreams.map(([name, upstream]): [unknown, Path] => [
      options(upstream)['headers'],
      ['upstreams', name, 'headers'],
    ]),
    ...routes.map((route, index): [unknown, Path] => [route['headers'], ['routes', index, 'headers']]),
  ]
  return places.flatMap(([edits, path]) =>
    ['request', 'response'].flatMap((direction) =>
      checkDirection(options(edits)[direction], [...path, direction], own),
    ),
  )
}
