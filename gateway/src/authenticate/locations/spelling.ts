// Spellings of a token location: names of parameters and cookies are read as the laxest upstream reads them.

/** RFC 6265 section 5.2 and RFC 9110 section 5.6.3: SP and HTAB. What trim() takes away besides is part of a name to others. */
export function trimBlanks(text: string): string {
  let [start, end] = [0, text.length]
  while (isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** %XX, and %uXXXX as IIS reads it; `+` is a blank. Names of locations are ASCII: what other bytes mean does not matter. */
function decode(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%u([0-9a-f]{4})|%([0-9a-f]{2})/gi, (_match, wide: string | undefined, narrow: string | undefined) =>
      String.fromCharCode(Number.parseInt(wide ?? narrow ?? '', 16)),
    )
}

/** PHP ends names at a NUL, drops blanks before them, makes `_` of `.`, of blanks and of a first `[`. */
function mangle(name: string): string {
  return trimBlanks(name.split('\0', 1)[0] ?? '').replace(/[. [\t]/g, '_')
}

export type NameTest = (rawName: string) => boolean

/**
 * Whether a name, as it stands in a query or a cookie, is this one to some upstream: escaped (access%5ftoken), with a member or as a
 * list (access_token[]: PHP, Rack, qs), as PHP mangles it (access.token), and with `anyCase` in any case (ASP.NET).
 */
export function compileName(name: string, { anyCase }: { readonly anyCase: boolean }): NameTest {
  const wanted = anyCase ? mangle(name).toLowerCase() : mangle(name)
  return (rawName) => {
    if (rawName === name) return true
    // No spelling is shorter, and most others are plain words.
    if (rawName.length < name.length || !(anyCase || /[%+. [\t]/.test(rawName))) return false
    const read = trimBlanks(decode(rawName))
    const bracket = read.indexOf('[')
    return [read, bracket > 0 ? read.slice(0, bracket) : read].some((text) => {
      const mangled = mangle(text)
      return (anyCase ? mangled.toLowerCase() : mangled) === wanted
    })
  }
}

/** Where one name or value of a query ends: `;` separates as well to Rack, older Python and others (W3C, HTML 4.01 B.2.2). */
export const QUERY_SEPARATOR = /([&;])/

/** Splits `name=value`. */
export function splitPair(pair: string): readonly [name: string, value: string] {
  const equals = pair.indexOf('=')
  return equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
}

/** The value of a cookie without its quotes. */
export function cookieValue(raw: string): string {
  return trimBlanks(raw).replace(/^"(.*)"$/, '$1')
}

/** A blank after a scheme, as it may stand in a cookie: frameworks escape it. */
export function unescapeBlank(value: string): string {
  return value.replace(/^([A-Za-z0-9-]+)(?:%20|\+)+/, '$1 ')
}
