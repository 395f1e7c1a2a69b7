// What went wrong with an upstream, in the gateway's own words: library texts and addresses stay in the log.
import type { FailureCode } from '../failure.ts'

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

/** Certificates that do not verify: OpenSSL's and Node's codes for them share no prefix, their names do. */
function isTlsError(code: string): boolean {
  return (
    code.startsWith('ERR_TLS') ||
    code.startsWith('ERR_SSL') ||
    /CERT|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO/.test(code)
  )
}

export function upstreamFailure(error: Error): FailureCode {
  const code = codeOf(error)
  if (TIMEOUT.has(code)) return 'upstream_timeout'
  if (RESET.has(code)) return 'upstream_reset'
  if (UNREACHABLE.has(code) || isTlsError(code)) return 'upstream_unreachable'
  // Several addresses were tried and all failed: one of them tells why.
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return upstreamFailure(error.errors[0])
  return 'upstream_invalid'
}
