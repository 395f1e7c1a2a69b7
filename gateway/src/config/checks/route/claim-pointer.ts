// Checks a JSON Pointer to a claim, and tells how another notation would be written as one.
import type { Finding } from '../../problem.ts'

/** Converts other notations to a JSON Pointer: `realm_access.roles`, `$.realm_access.roles`. A claim named like a URL is one name. */
function pointerFor(written: string): string {
  const isOneName = written.includes('/') || written.includes(':')
  const names = isOneName
    ? [written]
    : written
        .replace(/^\$\.?/, '')
        .split(/\.|\[["']?|["']?\]/)
        .filter((name) => name !== '')
  return names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Refuses pointers in which ~ is not followed by 0 or 1 (RFC 6901 section 3). */
export function claimPointerFault(pointer: string): Pick<Finding, 'message' | 'hint'> | undefined {
  if (!pointer.startsWith('/')) return { message: 'must be a JSON Pointer', hint: pointerFor(pointer) }
  return /~([^01]|$)/.test(pointer) ? { message: '~ is written ~0 and / inside a name ~1' } : undefined
}
