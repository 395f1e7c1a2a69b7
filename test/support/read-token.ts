// A raw token taken apart, where a test knows that it can be.
import { createTokenReader, type UnverifiedToken } from '../../gateway/src/authenticate/token/token-shape.ts'
import { Failure } from '../../gateway/src/failure.ts'

const read = createTokenReader(8192)

export function readToken(raw: string): UnverifiedToken {
  const token = read(raw)
  if (token instanceof Failure) throw new Error(`${token.code}: ${token.detail}`)
  return token
}
