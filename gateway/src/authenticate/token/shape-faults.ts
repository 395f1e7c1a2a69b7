// Names what a text is that is not a signed token in three parts: for the log and explain, after it was refused.

const IN_QUOTES = /^["'].*["']$/s

/** What was copied along with a token. Ordered. */
const WITH_BLANKS: readonly (readonly [pattern: RegExp, told: string])[] = [
  [/^bearer\s/i, 'it begins with the word Bearer, which belongs before it, once'],
  [IN_QUOTES, 'it stands in quotes, which are no part of a token'],
  [/[\r\n]/, 'it has a line break inside'],
  [/\s/, 'it has a blank inside'],
]

const WITHOUT_BLANKS: readonly (readonly [pattern: RegExp, told: string])[] = [
  [IN_QUOTES, 'it stands in quotes, which are no part of a token'],
  // RFC 7516 section 3.1; with direct encryption the second part is empty.
  [/^[^.]+\.[^.]*(\.[^.]+){3}$/, 'it is an encrypted token (JWE), five parts, and only signed ones (JWS) are read'],
  // RFC 7515 appendix A.5.
  [/^[^.]+\.[^.]+\.$/, 'it is not signed: its third part is empty, as of alg none'],
]

/** What a token of usual claims has. Longer texts are not looked at: whoever sends rubbish shall not make it dear to refuse. */
const MOST_CHARACTERS = 2048

const QUOTES: ReadonlySet<string | undefined> = new Set(['"', "'"])

/** `otherwise`: where nothing better is known. */
export function shapeFault(raw: string, otherwise: string): string {
  if (raw.length > MOST_CHARACTERS) return otherwise
  if (/\s/.test(raw)) return WITH_BLANKS.find(([pattern]) => pattern.test(raw))?.[1] ?? otherwise
  // Rubbish without dots costs one look.
  if (!raw.includes('.') && !QUOTES.has(raw[0])) return otherwise
  return WITHOUT_BLANKS.find(([pattern]) => pattern.test(raw))?.[1] ?? otherwise
}
