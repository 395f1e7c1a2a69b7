// Removes from the texts of a client, before they are logged, whatever has the shape of a token.

/** Each is looked at once, however long it is: expressions for the whole shape take quadratic time on `eyJeyJ…`. */
const WORD = /[\w.%-]+/g
const DOT = /\.|%2e/gi

/** Three parts of base64url, the first of which is the beginning of a JSON object (`{"`). */
function withoutToken(word: string): string {
  const startsAt = word.indexOf('eyJ')
  const dots = startsAt === -1 ? undefined : word.slice(startsAt).match(DOT)
  return (dots?.length ?? 0) < 2 ? word : `${word.slice(0, startsAt)}[token]`
}

export function withoutTokens(text: string): string {
  return text.includes('eyJ') ? text.replace(WORD, withoutToken) : text
}
