// Maps errors of an exchange to failure codes. Error messages and addresses go to the log only.
import { BodyTooLarge, BodyTooSlow, ClientGone } from '../streams/request-body.ts'
import type { FailureCode } from '../../failure.ts'

/** No target received the request. */
export class UpstreamUnavailable extends Error {
  readonly code: 'upstream_overloaded' | 'upstream_unhealthy'

  constructor(code: 'upstream_overloaded' | 'upstream_unhealthy', message: string) {
    super(message)
    this.code = code
  }
}

/** The upstream closed the connection during an exchange. */
export class UpstreamReset extends Error {
  readonly code = 'ECONNRESET'
}

/** The upstream did nothing with the request (RFC 9113 section 8.7): whatever it is, it may be sent again. */
export class RefusedUnseen extends Error {
  readonly code = 'ECONNRESET'
}

/** The upstream sent bytes that are no valid response to this request. */
export class InvalidResponse extends Error {}

/** The head of the response exceeds `limits.responseHeaderBytes`. */
export class HeadersTooLarge extends Error {
  readonly code = 'UND_ERR_HEADERS_OVERFLOW'
}

/** The receiver cancelled the exchange. */
export class Cancelled extends Error {
  readonly code = 'UND_ERR_ABORTED'

  constructor() {
    super('the exchange was cancelled')
  }
}

/** A timeout of the gateway expired. */
export class TimedOut extends Error {
  readonly code = 'ETIMEDOUT'
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ENOENT',
  'EACCES',
])
const RESET = new Set([
  'UND_ERR_SOCKET',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_ABORTED',
])
const TIMEOUT = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** True for TLS errors and certificates that do not verify. Node's and OpenSSL's codes share words, not a prefix. */
function isTlsError(code: string): boolean {
  return (
    code.startsWith('ERR_TLS') ||
    code.startsWith('ERR_SSL') ||
    /CERT|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO/.test(code)
  )
}

/** Returns the failure code of an error; `upstream_invalid` for an unknown one. */
export function upstreamFailure(error: Error): FailureCode {
  if (error instanceof UpstreamUnavailable) return error.code
  if (error instanceof BodyTooLarge) return 'body_too_large'
  if (error instanceof BodyTooSlow) return 'request_timeout'
  const code = codeOf(error)
  if (TIMEOUT.has(code)) return 'upstream_timeout'
  if (RESET.has(code)) return 'upstream_reset'
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'upstream_headers_too_large'
  if (UNREACHABLE.has(code) || isTlsError(code)) return 'upstream_unreachable'
  // All addresses of the name failed. The first error stands for all.
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return upstreamFailure(error.errors[0])
  return 'upstream_invalid'
}

/** False when the client caused the error: it disconnected, or its body was too large or too slow. */
export function isUpstreamsFault(error: Error): boolean {
  return !(error instanceof BodyTooLarge || error instanceof BodyTooSlow || error instanceof ClientGone)
}

/** True when a retry may succeed: the connection could not be opened, or was reset. */
export function isTransient(error: Error): boolean {
  if (codeOf(error) === 'UND_ERR_CONNECT_TIMEOUT') return true
  const code = upstreamFailure(error)
  return code === 'upstream_reset' || (code === 'upstream_unreachable' && !isTlsError(codeOf(error)))
}
