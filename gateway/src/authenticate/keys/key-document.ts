// The text of a key document: JSON as editors and servers really write it, maybe with a byte order mark in front.

/** RFC 8259 section 8.1 lets readers pass over the mark, which JSON.parse does not. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

/** Throws a SyntaxError, which quotes the text, when it is not JSON. */
export function parseDocument(text: string): unknown {
  return JSON.parse(withoutMark(text))
}
