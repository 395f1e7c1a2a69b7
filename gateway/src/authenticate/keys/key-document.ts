// Parses a key document as editors and servers write it: JSON, perhaps with a byte order mark.

/** RFC 8259 section 8.1 lets readers pass over the mark, which JSON.parse does not. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

/** Throws a SyntaxError, which quotes the text, when it is not JSON. */
export function parseDocument(text: string): unknown {
  return JSON.parse(withoutMark(text))
}

/** An address as it is told: what follows ? may be a key. */
export function toldAddress(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
