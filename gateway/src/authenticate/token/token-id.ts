// The id of a token: the SHA-256 of its signed part, the same for every spelling of its signature.
import { hash } from 'node:crypto'

/**
 * Returns SHA-256 of header "." payload in base64url. A signature has several spellings (spare bits of its last character;
 * (r, n-s) for ECDSA), so a block list of whole tokens could be bypassed.
 */
export function tokenIdOf(rawToken: string): string {
  return idOfSigned(rawToken.slice(0, rawToken.lastIndexOf('.')))
}

/** Returns the id for a signed part (header "." payload). */
export function idOfSigned(signed: string): string {
  return hash('sha256', signed, 'base64url')
}
