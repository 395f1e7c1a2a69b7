// Takes the token out of a request before it goes on: wherever it was found, or only out of the URL.

/** The place a token was found in. */
export interface TokenPlace {
  readonly header: string | undefined
  readonly cookie: string | undefined
  readonly query: string | undefined
  readonly websocketProtocol: string | undefined
}

/** Edits the outgoing headers in place and returns the target without the token. */
export type StripToken = (headers: string[], target: string) => string

function removeHeader(headers: string[], name: string): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if (headers[index]?.toLowerCase() === name) headers.splice(index, 2)
  }
}

function removeCookie(headers: string[], name: string): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if (headers[index]?.toLowerCase() !== 'cookie') continue
    const left = (headers[index + 1] ?? '').split(';').filter((pair) => pair.split('=', 1)[0]?.trim() !== name)
    if (left.length === 0) headers.splice(index, 2)
    else headers[index + 1] = left.join(';').trimStart()
  }
}

/** Removes the parameter and leaves every other byte of the query as it came. */
function removeParameter(target: string, name: string): string {
  const queryAt = target.indexOf('?')
  if (queryAt === -1) return target
  const left = target
    .slice(queryAt + 1)
    .split('&')
    .filter((pair) => !new URLSearchParams(pair).has(name))
  return left.length === 0 ? target.slice(0, queryAt) : `${target.slice(0, queryAt)}?${left.join('&')}`
}

/** Takes a subprotocol and the token after it out of the offer. */
function removeProtocol(headers: string[], name: string): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if (headers[index]?.toLowerCase() !== 'sec-websocket-protocol') continue
    const offered = (headers[index + 1] ?? '').split(',').map((item) => item.trim())
    const at = offered.indexOf(name)
    if (at !== -1) offered.splice(at, 2)
    if (offered.length === 0) headers.splice(index, 2)
    else headers[index + 1] = offered.join(', ')
  }
}

/** `strip` removes the token from wherever it was; `keep` removes it where it would reach logs: from a URL, and from among the subprotocols. */
export function createStripToken(
  { header, cookie, query, websocketProtocol }: TokenPlace,
  forward: 'keep' | 'strip',
): StripToken | undefined {
  if (query !== undefined) return (_headers, target) => removeParameter(target, query)
  if (websocketProtocol !== undefined)
    return (headers, target) => {
      removeProtocol(headers, websocketProtocol)
      return target
    }
  if (forward === 'keep') return undefined
  return (headers, target) => {
    if (header !== undefined) removeHeader(headers, header)
    if (cookie !== undefined) removeCookie(headers, cookie)
    return target
  }
}
