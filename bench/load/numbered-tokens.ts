// Tokens that are a function of their number: two processes make the same ones without a file of half a gigabyte.
import { createHmac } from 'node:crypto'

import { claimsOf, SECRET } from '../verify/keys-and-tokens.ts'

const HEAD = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')
// Midnight: the same for all processes of a run, whenever they started.
const DAY_SEC = Math.floor(Date.now() / 86_400_000) * 86_400

export function createNumberedTokens(): (index: number) => string {
  return (index) => {
    const claims = claimsOf(index, { jti: String(index), iat: DAY_SEC, exp: DAY_SEC + 2 * 86_400 })
    const signed = `${HEAD}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
    return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
  }
}
