// Rewrites a Location header that names a target, so that it leads through the gateway.
import type { Rewrite } from './rewrite.ts'
import { replaceHeader } from '../../message/raw-headers.ts'

/** True for statuses whose Location a client follows or stores (RFC 9110 section 10.2.2). */
export function hasLocation(status: number): boolean {
  return status === 201 || (status >= 300 && status < 400)
}

/** Returns the authorities of a target in lower case, with and without the default port. */
function authorities(target: string): string[] {
  if (target.startsWith('unix:')) return ['localhost']
  const { host, port, protocol } = new URL(target)
  return port === '' ? [host, `${host}:${protocol === 'https:' ? 443 : 80}`] : [host]
}

export function authoritiesOf(targets: readonly string[]): ReadonlySet<string> {
  return new Set(targets.flatMap(authorities))
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i

/**
 * Rewrites Location in place. An absolute URL of a target becomes a path of the gateway; a path is mapped back by the rewrite
 * of the route. Other URLs stay unchanged.
 */
export function restoreLocation(
  headers: string[],
  authorities: ReadonlySet<string>,
  rewrite: Rewrite,
  target: string,
): void {
  replaceHeader(headers, 'location', (value) => {
    const [whole = '', authority, rest = ''] = ABSOLUTE.exec(value) ?? []
    if (authority === undefined)
      return value.startsWith('/') && !value.startsWith('//') ? rewrite.toClient(value, target) : value
    if (!authorities.has(authority.toLowerCase())) return value
    const path = rest.startsWith('/') ? rest : `/${rest}`
    return rewrite.toClient(path, target) + value.slice(whole.length)
  })
}
