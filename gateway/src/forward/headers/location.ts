// Location on its way back: where it points at the target, the client must come back through the gateway.
import type { Rewrite } from './rewrite.ts'

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
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (name.length !== 8 || name.toLowerCase() !== 'location') continue
    const value = headers[index + 1] as string
    const [whole = '', authority, rest = ''] = ABSOLUTE.exec(value) ?? []
    if (authority === undefined) {
      if (value.startsWith('/') && !value.startsWith('//')) headers[index + 1] = rewrite.toClient(value, target)
    } else if (authorities.has(authority.toLowerCase())) {
      const path = rest.startsWith('/') ? rest : `/${rest}`
      headers[index + 1] = rewrite.toClient(path, target) + value.slice(whole.length)
    }
  }
}
