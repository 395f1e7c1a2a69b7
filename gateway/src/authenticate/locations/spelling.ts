// Spellings of names: reads parameters and cookies as leniently as the most lenient upstream.

/** Trims SP and HTAB (RFC 6265 section 5.2, RFC 9110 section 5.6.3). trim() also removes characters that belong to a name. */
export function trimBlanks(text: string): string {
  let [start, end] = [0, text.length]
  while (isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Decodes %XX, %uXXXX (IIS) and `+`. Names of locations are ASCII, so other bytes need no correct decoding. */
function decode(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%u([0-9a-f]{4})|%([0-9a-f]{2})/gi, (_match, wide: string | undefined, narrow: string | undefined) =>
      String.fromCharCode(Number.parseInt(wide ?? narrow ?? '', 16)),
    )
}

/** Changes a name as PHP does: ends it at NUL, trims it, and replaces `.`, white space and the first `[` with `_`. */
function mangle(name: string): string {
  return trimBlanks(name.split('\0', 1)[0] ?? '').replace(/[. [\t]/g, '_')
}

export type NameTest = (rawName: string) => boolean

/**
 * Creates a test: true when some upstream reads a raw name as `name`. Covers escapes (access%5ftoken), members and lists
 * (access_token[]: PHP, Rack, qs), PHP's replacements (access.token), and with `anyCase` other case (ASP.NET).
 */
export function compileName(name: string, { anyCase }: { readonly anyCase: boolean }): NameTest {
  const wanted = anyCase ? mangle(name).toLowerCase() : mangle(name)
  return (rawName) => {
    if (rawName === name) return true
    // No spelling is shorter than the name, and most names need no decoding.
    if (rawName.length < name.length || !(anyCase || /[%+. [\t]/.test(rawName))) return false
    const read = trimBlanks(decode(rawName))
    const bracket = read.indexOf('[')
    return [read, bracket > 0 ? read.slice(0, bracket) : read].some((text) => {
      const mangled = mangle(text)
      return (anyCase ? mangled.toLowerCase() : mangled) === wanted
    })
  }
}

/** Separators of a query. `;` is one for Rack, older Python and others (W3C, HTML 4.01 B.2.2). */
export const QUERY_SEPARATOR = /([&;])/

/** Splits `name=value`. */
export function splitPair(pair: string): readonly [name: string, value: string] {
  const equals = pair.indexOf('=')
  return equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
}

/** Returns the value of a cookie without quotes. */
export function cookieValue(raw: string): string {
  return trimBlanks(raw).replace(/^"(.*)"$/, '$1')
}

/** Decodes the space after a scheme in a cookie, which frameworks escape. */
export function unescapeBlank(value: string): string {
  return value.replace(/^([A-Za-z0-9-]+)(?:%20|\+)+/, '$1 ')
}
