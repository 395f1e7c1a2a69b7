// The gateway's own responses to gRPC: a failure as a status of gRPC, in a head that is the whole response.
import type { FailureCode } from '../failure.ts'
import type { GatewayResponse } from '../message/client-exchange.ts'
import { grpcMessage } from '../message/fields/grpc-call.ts'

/** The codes of gRPC (grpc/status.h). */
const STATUS = {
  ...{
    permissionDenied: 7,
    resourceExhausted: 8,
    unimplemented: 12,
    internal: 13,
    unavailable: 14,
    unauthenticated: 16,
  },
} as const

/** Clients try again what is unavailable, and nothing else by themselves. */
export const GRPC_STATUS: Readonly<Record<FailureCode, number>> = {
  path_unsafe: STATUS.internal,
  request_invalid: STATUS.internal,
  token_ambiguous: STATUS.unauthenticated,
  token_missing: STATUS.unauthenticated,
  token_malformed: STATUS.unauthenticated,
  token_too_large: STATUS.unauthenticated,
  algorithm_not_allowed: STATUS.unauthenticated,
  issuer_unknown: STATUS.unauthenticated,
  key_unknown: STATUS.unauthenticated,
  signature_invalid: STATUS.unauthenticated,
  token_expired: STATUS.unauthenticated,
  token_not_yet_valid: STATUS.unauthenticated,
  token_too_old: STATUS.unauthenticated,
  type_mismatch: STATUS.unauthenticated,
  audience_mismatch: STATUS.unauthenticated,
  binding_unproven: STATUS.unauthenticated,
  claim_missing: STATUS.unauthenticated,
  claim_invalid: STATUS.unauthenticated,
  token_revoked: STATUS.unauthenticated,
  session_too_old: STATUS.unauthenticated,
  scope_missing: STATUS.permissionDenied,
  claim_forbidden: STATUS.permissionDenied,
  origin_forbidden: STATUS.permissionDenied,
  route_not_found: STATUS.unimplemented,
  method_not_allowed: STATUS.unimplemented,
  method_not_implemented: STATUS.unimplemented,
  version_not_supported: STATUS.unimplemented,
  websocket_version: STATUS.unimplemented,
  body_too_large: STATUS.resourceExhausted,
  headers_too_large: STATUS.resourceExhausted,
  rate_limited: STATUS.resourceExhausted,
  request_timeout: STATUS.unavailable,
  internal_error: STATUS.internal,
  auth_result_too_large: STATUS.internal,
  upstream_headers_too_large: STATUS.internal,
  upstream_invalid: STATUS.internal,
  upstream_unreachable: STATUS.unavailable,
  upstream_reset: STATUS.unavailable,
  upstream_overloaded: STATUS.unavailable,
  upstream_unhealthy: STATUS.unavailable,
  upstream_timeout: STATUS.unavailable,
  keys_unavailable: STATUS.unavailable,
  revocations_unavailable: STATUS.unavailable,
  overloaded: STATUS.unavailable,
  shutting_down: STATUS.unavailable,
}

/** Clients read status and message of the head, as there is no body. `headers`: those of any answer to this failure. */
export function answerGrpc(
  response: GatewayResponse,
  code: FailureCode,
  title: string,
  headers: readonly string[],
): void {
  const status = ['content-type', 'application/grpc', 'grpc-status', String(GRPC_STATUS[code])]
  response.writeHead(200, [...status, 'grpc-message', grpcMessage(title), ...headers])
  response.end()
}
