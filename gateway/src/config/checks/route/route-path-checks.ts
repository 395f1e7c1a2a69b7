// Checks the paths of routes and their rewrites, and the pointers of their requirements.
import { claimPointerFault } from './claim-pointer.ts'
import type { AsWritten } from '../../text/as-written.ts'
import { entries, options, text, type Loose } from '../loose.ts'
import type { Finding, Path } from '../../problem.ts'

// As in `accept/routes/path.ts`: some upstreams read `..;x` as `..`.
const DOT_SEGMENT = /^\.{1,2} *(;.*)?$/
// Many routers allow more, such as `:a-:b` for two parameters or parentheses for a regular expression. They are refused,
// because this router would not treat them that way.
const PARAMETER = /^:[A-Za-z_][A-Za-z0-9_]*$/

/** Returns why no request could match the path, or why the path is ambiguous; undefined when it is valid. */
export function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined // the schema says so
  if (/[?#]/.test(path)) return 'must not hold ? or #: routes are chosen by the path alone'
  if (path.includes('%')) return 'must be written plainly: escapes in requests are decoded before they are compared'
  if (/[{}]/.test(path)) return 'holds braces: a parameter is written /:name'
  if (/[^!-~]|\\/.test(path)) return 'holds a character that paths cannot have'
  const segments = path.slice(1).split('/')
  if (segments.some((segment) => DOT_SEGMENT.test(segment)))
    return 'must not hold dot segments: no such request is let in'
  if (segments.slice(0, -1).includes('')) return 'must not hold an empty segment (//): no such request is let in'
  if (path.replace(/\/\*$/, '').includes('*'))
    return '* stands for the rest of the path, so it must be the whole last segment: /*'
  const names = segments.filter((segment) => segment.startsWith(':'))
  if (names.includes(':')) return 'a parameter needs a name: /:name'
  if (segments.some((segment) => segment.includes(':', 1) || (segment.startsWith(':') && !PARAMETER.test(segment))))
    return 'a parameter is a whole segment of letters, digits and _: /:name'
  return new Set(names).size < names.length ? 'names a parameter twice' : undefined
}

function checkRewrite(route: Loose, at: Path, written: AsWritten): readonly Finding[] {
  const [from, to] = [text(route['path']), text(route['rewrite'])]
  if (from === undefined || to?.startsWith('/') !== true) return []
  const path = [...at, 'rewrite']
  const fault = pathFault(to)
  if (fault !== undefined) return [{ path, message: fault }]
  const [prefix, prefixTo] = [from.endsWith('/*'), to.endsWith('/*')]
  if (prefix && !prefixTo)
    return [{ path, message: 'must end with /* like the path: what the path leaves over goes there' }]
  if (!prefix && prefixTo) return [{ path, message: 'ends with /*, but the path is exact and leaves nothing over' }]
  const known = new Set(from.split('/').filter((segment) => segment.startsWith(':')))
  const unknown = to.split('/').filter((segment) => segment.startsWith(':') && !known.has(segment))
  if (unknown.length === 0) return []
  return [{ path, message: `${written.isReference(path) ? 'a parameter' : unknown.join(', ')} is not in the path` }]
}

function checkPointers(requirement: unknown, at: Path): readonly Finding[] {
  const { claims, all, any, not } = options(requirement)
  const own = Object.keys(options(claims)).flatMap((pointer): Finding[] => {
    const fault = claimPointerFault(pointer)
    return fault === undefined ? [] : [{ path: [...at, 'claims', pointer], atKey: true, ...fault }]
  })
  const inner = (
    [
      ['all', all],
      ['any', any],
    ] as const
  ).flatMap(([name, list]) => entries(list).flatMap((item, index) => checkPointers(item, [...at, name, index])))
  return [...own, ...inner, ...(not === undefined ? [] : checkPointers(not, [...at, 'not']))]
}

export function checkRoutePaths(route: Loose, index: number, written: AsWritten): readonly Finding[] {
  const at = ['routes', index]
  const fault = pathFault(text(route['path']) ?? '')
  const own: Finding[] = fault === undefined ? [] : [{ path: [...at, 'path'], message: fault }]
  return [...own, ...checkRewrite(route, at, written), ...checkPointers(route['require'], [...at, 'require'])]
}
