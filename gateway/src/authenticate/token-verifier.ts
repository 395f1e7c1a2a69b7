// The signature check: one synchronous fast-jwt verifier per issuer, key and algorithm, made when the key is loaded.
import type { KeyObject } from 'node:crypto'

import { createVerifier } from 'fast-jwt'

import type { Algorithm } from './options.ts'

/** True when the token's signature is right. Nothing else is looked at: claims have their own checks. */
export type SignatureCheck = (rawToken: string) => boolean

/**
 * fast-jwt serves as signature check alone: its cache is off (it keeps forged tokens and serves removed keys), its
 * algorithms are pinned to one, and its clock checks are off because the clock here is a parameter.
 * Throws when OpenSSL refuses the key, so that a broken key is found when it is loaded and not at the first token.
 */
export function createSignatureCheck(key: KeyObject, algorithm: Algorithm): SignatureCheck {
  const verify = createVerifier({
    key: key.type === 'secret' ? key.export() : key.export({ type: 'spki', format: 'pem' }),
    algorithms: [algorithm],
    cache: false,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
  return function isSignedBy(rawToken) {
    // A refused signature is thrown with a stack trace, which costs more than most verifications: it would be the price
    // of every forged token. Nobody reads it, so it is not taken.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    try {
      // Only a plain object is an answer: an error that came back as a value must not count as one (fast-jwt's cache did that).
      const payload: unknown = verify(rawToken)
      return typeof payload === 'object' && payload !== null && !(payload instanceof Error)
    } catch {
      return false
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
  }
}
