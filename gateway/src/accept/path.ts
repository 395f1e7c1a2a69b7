// One canonical path for routing, policy, log and upstream; a path that could be read in two ways is refused.

// What a path may hold unescaped (RFC 3986 section 3.3), and the query mark that ends it. Everything else is looked at closely.
const PLAIN = new Uint8Array(128)
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*+,;=:@")
  PLAIN[character.charCodeAt(0)] = 1

const SLASH = 0x2f
const DOT = 0x2e
const QUERY = 0x3f

/** True when nothing in the path needs a closer look: no escapes, no empty segments, none that starts with a dot. */
function isPlain(url: string): boolean {
  let afterSlash = false
  for (let index = 0; index < url.length; index += 1) {
    const code = url.charCodeAt(index)
    if (PLAIN[code] === 1) {
      afterSlash = false
    } else if (code === SLASH) {
      if (afterSlash) return false
      afterSlash = true
    } else if (code === DOT) {
      if (afterSlash) return false
    } else {
      return code === QUERY
    }
  }
  return true
}

const ESCAPE = /%([0-9A-Fa-f]{2})?/g
const UNRESERVED = /[A-Za-z0-9._~-]/
// Dots alone, also with a path parameter behind them: Tomcat and others read `..;x` as `..`.
const DOT_SEGMENT = /^\.{1,2}(;.*)?$/
// An escaped percent sign before what would be a dot, a slash or a backslash: an upstream that decodes twice would see it.
const ESCAPED_TWICE = /%25(25)*(2e|2f|5c)/i
const NOT_IN_PATHS = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]/

function isUtf8Text(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

/** Escaped letters, digits and `-._~` are the same as plain ones (RFC 3986 section 6.2.2.2): `/%61dmin` is `/admin`. */
function decodeUnreserved(path: string): string {
  return path.replace(ESCAPE, (escape, hex: string | undefined) => {
    const character = String.fromCharCode(Number.parseInt(hex ?? '', 16))
    return UNRESERVED.test(character) ? character : escape
  })
}

function isUnsafe(path: string): boolean {
  if (NOT_IN_PATHS.test(path) || !isUtf8Text(path) || /[\u0000-\u001f\u007f\\]/.test(decodeURIComponent(path)))
    return true
  if (ESCAPED_TWICE.test(path)) return true
  const segments = path.slice(1).split(/\/|%2f/i)
  // An empty segment is dropped by some servers and kept by others, so `//admin` may slip past a rule for `/admin`.
  return segments.some((segment, index) => DOT_SEGMENT.test(segment) || (segment === '' && index < segments.length - 1))
}

/**
 * The request target with its path in canonical form and its query as it came; undefined when the path is unsafe:
 * absolute or asterisk form, dot segments, empty segments, backslashes, control characters, fragments, bytes that are not
 * UTF-8, escapes that an upstream which decodes twice would turn into any of these.
 */
export function canonicalTarget(url: string): string | undefined {
  if (url.charCodeAt(0) !== SLASH) return undefined
  if (isPlain(url)) return url.includes('#') ? undefined : url
  const queryAt = url.indexOf('?')
  const path = decodeUnreserved(queryAt === -1 ? url : url.slice(0, queryAt))
  if (isUnsafe(path) || url.includes('#')) return undefined
  return queryAt === -1 ? path : path + url.slice(queryAt)
}

/** An escaped slash in the path of a target: whether it separates segments is for the route to say. */
export function hasEncodedSlash(target: string): boolean {
  if (!target.includes('%')) return false
  const queryAt = target.indexOf('?')
  return /%2f/i.test(queryAt === -1 ? target : target.slice(0, queryAt))
}
