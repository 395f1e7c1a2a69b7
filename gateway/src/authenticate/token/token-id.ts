// The id of a token, whatever the spelling of its signature: the digest of what was signed.
import { hash } from 'node:crypto'

/**
 * sha256(header "." payload), base64url. A signature has many spellings (spare bits of its last character; (r, n-s) for
 * ECDSA), so a block list that went by the whole text could be slipped past.
 */
export function tokenIdOf(rawToken: string): string {
  return idOfSigned(rawToken.slice(0, rawToken.lastIndexOf('.')))
}

/** The same of the signed part alone. */
export function idOfSigned(signed: string): string {
  return hash('sha256', signed, 'base64url')
}
