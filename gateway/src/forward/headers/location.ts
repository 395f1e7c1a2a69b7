// The Location header of a response: where it points at the target, it is rewritten to lead back through the gateway.
import type { Rewrite } from './rewrite.ts'
import { replaceHeader } from '../../message/raw-headers.ts'

/** Statuses whose Location a client follows or stores (RFC 9110 section 10.2.2). */
export function hasLocation(status: number): boolean {
  return status === 201 || (status >= 300 && status < 400)
}

/** The authorities of a target, in lower case: what a Location of its own would name, with and without the usual port. */
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
 * Edits Location in place: an absolute one that names a target becomes a path of the gateway, a path loses what the
 * rewrite put in front. Anything else is somebody else's address and stays.
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
