// Removes tokens from client texts before they are logged.

/** Matches each word once, in linear time: an expression for the whole token takes quadratic time on `eyJeyJ…`. */
const WORD = /[\w.%-]+/g
const DOT = /\.|%2e/gi

/** Replaces a token: three base64url parts, the first of which begins a JSON object (`{"`). */
function withoutToken(word: string): string {
  const startsAt = word.indexOf('eyJ')
  const dots = startsAt === -1 ? undefined : word.slice(startsAt).match(DOT)
  return (dots?.length ?? 0) < 2 ? word : `${word.slice(0, startsAt)}[token]`
}

/** Replaces every token in a text by `[token]`, from its `eyJ` on. */
export function withoutTokens(text: string): string {
  return text.includes('eyJ') ? text.replace(WORD, withoutToken) : text
}
