// The headers of a response for the client: filtered, edited, with CORS, the way back, and a renewed token.
import type { Admitted } from '../admitted.ts'
import type { HeaderEdit } from './edits/header-edits.ts'
import { CORS_NAMES } from './header-names.ts'
import type { HeaderFilter } from './headers.ts'
import { hasLocation, restoreLocation } from './location.ts'
import { carryRenewedToken, type CarryPolicy } from './renewed-token.ts'
import type { Rewrite } from './rewrite.ts'
import type { RawHeaders } from '../../message/raw-headers.ts'

export interface ResponsePolicy extends CarryPolicy {
  readonly filter: HeaderFilter
  /** Undefined where nothing is changed. */
  readonly editResponse: HeaderEdit | undefined
  readonly rewrite: Rewrite
  /** Host and port of each target. A Location that names one of them is rewritten (location.ts). */
  readonly authorities: ReadonlySet<string>
}

/** Edits come before what the gateway says for itself, so that they cannot change it. */
export function responseHeaders(policy: ResponsePolicy, admitted: Admitted, status: number, raw: RawHeaders): string[] {
  const { requestId, extraHeaders, target, caller } = admitted
  const { filter, editResponse, authorities, rewrite } = policy
  const headers = filter.toClient(raw, requestId, extraHeaders === undefined ? undefined : CORS_NAMES)
  if (editResponse !== undefined) editResponse(headers, admitted)
  if (extraHeaders !== undefined) headers.push(...extraHeaders)
  if (hasLocation(status)) restoreLocation(headers, authorities, rewrite, target)
  if (caller?.renewal?.successor !== undefined) carryRenewedToken(headers, status, admitted, policy)
  return headers
}
