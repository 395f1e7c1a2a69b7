// Diagnoses a malformed token, such as quotes or a JWE, for the log and `explain`.

const IN_QUOTES = /^["'].*["']$/s

/** Faults of texts with white space, in order of precedence. */
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

/** Length of a usual token. Longer texts are not diagnosed, so that junk is cheap to refuse. */
const MOST_CHARACTERS = 2048

const QUOTES: ReadonlySet<string | undefined> = new Set(['"', "'"])

/** Returns the diagnosis, or `otherwise` when there is none. */
export function shapeFault(raw: string, otherwise: string): string {
  if (raw.length > MOST_CHARACTERS) return otherwise
  if (/\s/.test(raw)) return WITH_BLANKS.find(([pattern]) => pattern.test(raw))?.[1] ?? otherwise
  // Junk without dots costs one search.
  if (!raw.includes('.') && !QUOTES.has(raw[0])) return otherwise
  return WITHOUT_BLANKS.find(([pattern]) => pattern.test(raw))?.[1] ?? otherwise
}
