// Parses a key document: JSON, perhaps with a byte order mark.

/** Removes the byte order mark, which RFC 8259 section 8.1 lets readers ignore, but JSON.parse rejects. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

/** Throws a SyntaxError for invalid JSON. Its message quotes the text, so do not log it. */
export function parseDocument(text: string): unknown {
  return JSON.parse(withoutMark(text))
}

/** An address as it is told: what follows ? may be a key. */
export function toldAddress(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
