// Decodes base64url strictly (RFC 4648 section 5), without allocations.

// V8 stores most strings with one byte for each character, and then answers without reading them.
const BEYOND_LATIN1 = /[^\0-\xff]/

/**
 * Decodes into `target` and returns the number of bytes; -1 when the text is not base64url without padding (RFC 7515 section 2)
 * or does not fit. Node's decoder is lenient: it accepts the standard alphabet, stops at `=` and skips other characters. Skipped
 * characters make the count too small, which is checked here.
 */
export function decodeBase64url(text: string, target: Buffer): number {
  // Four characters give three bytes, three give two, two give one. A single rest character is invalid.
  const bytes = (text.length * 3) >> 2
  if (text.length % 4 === 1 || bytes > target.length || text.includes('+') || text.includes('/')) return -1
  // Node 22 and newer read only the low byte of a character beyond U+00FF.
  if (BEYOND_LATIN1.test(text)) return -1
  return target.write(text, 'base64url') === bytes ? bytes : -1
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** True when the unused bits of the last character are zero, which only one spelling of the same bytes has. */
export function isCanonical(text: string): boolean {
  const over = text.length % 4
  if (over === 0) return true
  const spareBits = over === 2 ? 0b1111 : 0b11
  return (ALPHABET.indexOf(text.charAt(text.length - 1)) & spareBits) === 0
}
