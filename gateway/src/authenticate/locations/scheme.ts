// The scheme before a token in a header or cookie, such as `Bearer` (RFC 9110 section 11.4): any case, then spaces.
import { Failure } from '../../failure.ts'

const SPACE = 0x20

/** Returns the token after the scheme. `value` has no comma. Failure token_malformed. */
export function afterScheme(value: string, scheme: string, where: string): string | Failure {
  let start = scheme.length
  if (value.length === start)
    return new Failure('token_malformed', `${where} holds the scheme alone, and no token after it`)
  if (value.charCodeAt(start) !== SPACE)
    return new Failure(
      'token_malformed',
      `in ${where} no space follows the scheme, wanted is ${scheme} with a space and a token`,
    )
  while (value.charCodeAt(start) === SPACE) start += 1
  return value.slice(start)
}

export function withScheme(token: string, scheme: string | undefined): string {
  return scheme === undefined ? token : `${scheme} ${token}`
}

const SCHEME_END = "(?![A-Za-z0-9!#$%&'*+.^_`|~-])"

/** Creates a test: true when a value, or a part of it between commas, begins with this scheme. */
export function compileScheme(scheme: string): (value: string) => boolean {
  const pattern = new RegExp(`(?:^|,)[ \\t]*${scheme}${SCHEME_END}`, 'i')
  return (value) => pattern.test(value)
}
