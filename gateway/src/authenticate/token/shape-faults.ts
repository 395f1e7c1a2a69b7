// Names what a text is that is not a signed token in three parts: for the log and explain, after it was refused.

/** Ordered: what was copied along with a token comes before what the token itself is. */
const FAULTS: readonly (readonly [pattern: RegExp, told: string])[] = [
  [/^bearer\s/i, 'it begins with the word Bearer, which belongs before it, once'],
  [/^["'].*["']$/s, 'it stands in quotes, which are no part of a token'],
  [/[\r\n]/, 'it has a line break inside'],
  [/\s/, 'it has a blank inside'],
  // RFC 7516 section 3.1; with direct encryption the second part is empty.
  [/^[^.]+\.[^.]*(\.[^.]+){3}$/, 'it is an encrypted token (JWE), five parts, and only signed ones (JWS) are read'],
  // RFC 7515 appendix A.5.
  [/^[^.]+\.[^.]+\.$/, 'it is not signed: its third part is empty, as of alg none'],
]

/** `otherwise`: where nothing better is known. */
export function shapeFault(raw: string, otherwise: string): string {
  return FAULTS.find(([pattern]) => pattern.test(raw))?.[1] ?? otherwise
}
