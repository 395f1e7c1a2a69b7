// Strict base64url: anything else is refused, and nothing is allocated on the way.

// Most strings have no room for such characters, and V8 then answers without reading them.
const BEYOND_LATIN1 = /[^\0-\xff]/

/**
 * Decodes into `target` and says how many bytes that were; -1 when the text is not base64url without padding (RFC 7515
 * section 2) or does not fit. Node's decoder is lenient: it knows the standard alphabet as well, ends at `=` and passes over
 * anything else. Whatever it passed over is missing in the count, and that is checked here.
 */
export function decodeBase64url(text: string, target: Buffer): number {
  // Four characters are three bytes, two are one, three are two; one alone is none.
  const bytes = (text.length * 3) >> 2
  if (text.length % 4 === 1 || bytes > target.length || text.includes('+') || text.includes('/')) return -1
  // Node 22 and newer look at the low byte alone of a character beyond U+00FF, and would take it for another one.
  if (BEYOND_LATIN1.test(text)) return -1
  return target.write(text, 'base64url') === bytes ? bytes : -1
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** True when the bits of the last character that no byte uses are zero: every other text for the same bytes has some set. */
export function isCanonical(text: string): boolean {
  const over = text.length % 4
  if (over === 0) return true
  const spareBits = over === 2 ? 0b1111 : 0b11
  return (ALPHABET.indexOf(text.charAt(text.length - 1)) & spareBits) === 0
}
