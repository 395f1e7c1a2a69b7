// Decodes the path of a request once for comparison with routes. Refuses path traversal.

// What a path may hold unescaped: RFC 3986 section 3.3, and what browsers and older clients send raw all the same (WHATWG URL,
// path percent-encode set; nginx and HAProxy let all of it pass). A dot after a slash and all else is looked at closely.
const PLAIN = new Uint8Array(128)
for (let code = 0x21; code < 0x7f; code += 1) PLAIN[code] = '%/.?#\\'.includes(String.fromCharCode(code)) ? 0 : 1

const SLASH = 0x2f
const DOT = 0x2e
const QUERY = 0x3f

/** Returns the end of a plain path: no escapes, no empty segments, no segment that begins with a dot. Else -1. */
function endOfPlainPath(url: string): number {
  let afterSlash = false
  for (let index = 0; index < url.length; index += 1) {
    const code = url.charCodeAt(index)
    if (PLAIN[code] === 1) {
      afterSlash = false
    } else if (code === SLASH) {
      if (afterSlash) return -1
      afterSlash = true
    } else if (code === DOT) {
      if (afterSlash) return -1
    } else {
      return code === QUERY ? index : -1
    }
  }
  return url.length
}

const NOT_IN_PATHS = /[^!-~]|[\\#]/
const ENCODED_SLASH = /%2f/gi
const NOT_IN_TEXT = /[\u0000-\u001f\u007f\\]/
// Dots alone, also with a path parameter behind them (Tomcat and others read `..;x` as `..`), with what cuts a path off where
// it is decoded before it is split, or with blanks (Windows drops them).
const DOT_SEGMENT = /^\.{1,2} *([;?#].*)?$/s
const SEPARATORS = /[./\\]/g
/** Most rounds of decoding: no known server decodes more often, and each round costs linear time. */
const MAX_ROUNDS = 5

/** Decodes UTF-8 escapes. Of invalid UTF-8, decodes only the ASCII escapes. */
function decodeOnce(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run.replace(/%([0-7][0-9a-f])/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    }
  })
}

/** Decodes repeatedly until no escape is left; undefined when that takes too many rounds. */
export function decodeFully(text: string): string | undefined {
  let before = text
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const after = decodeOnce(before)
    if (after === before) return after
    before = after
  }
  return undefined
}

/** Returns the path of a target, undecoded, without the query. */
export function rawPath(url: string): string {
  const queryAt = url.indexOf('?')
  return queryAt === -1 ? url : url.slice(0, queryAt)
}

/** Decodes valid escapes except slashes, which stay `%2F`. */
export function decodeKeepingSlashes(raw: string): string {
  return decodeURIComponent(raw.replace(ENCODED_SLASH, '%252F'))
}

function decoded(raw: string): string | undefined {
  if (NOT_IN_PATHS.test(raw) || raw.startsWith('//')) return undefined
  let once: string
  try {
    once = decodeURIComponent(raw)
  } catch {
    return undefined
  }
  const full = decodeFully(raw)
  if (full === undefined || NOT_IN_TEXT.test(once)) return undefined
  // Double escapes of a dot, slash or backslash: an upstream that decodes twice would see the character.
  if (full.match(SEPARATORS)?.length !== once.match(SEPARATORS)?.length) return undefined
  if (full.split('/').some((segment) => DOT_SEGMENT.test(segment))) return undefined
  return decodeKeepingSlashes(raw)
}

/** Returns a plain path without its query; undefined when it needs decoding or checks. Most paths are plain. */
export function plainPath(url: string): string | undefined {
  const end = url.charCodeAt(0) === SLASH ? endOfPlainPath(url) : -1
  if (end === -1 || end === url.length) return end === -1 ? undefined : url
  // Clients never send a fragment (RFC 9112 section 3.2), and servers disagree how to read one.
  return url.includes('#', end) ? undefined : url.slice(0, end)
}

/**
 * Returns the decoded path of a target in origin form, without its query. An escaped slash stays `%2F`: it is no separator.
 * Undefined when the path is unsafe for every route: dot segments in any spelling, an empty first segment, backslashes,
 * control characters, fragments, bytes that are not UTF-8, escapes that would become any of these when decoded again.
 */
export function decodedPath(url: string): string | undefined {
  return url.charCodeAt(0) !== SLASH || url.includes('#') ? undefined : decoded(rawPath(url))
}

/** True when a decoded path contains an escaped slash. A literal `%2F` is not possible: decodedPath refuses it. */
export function hasEncodedSlash(path: string): boolean {
  return path.includes('%2F')
}

export function hasEmptySegment(path: string): boolean {
  return path.includes('//')
}
