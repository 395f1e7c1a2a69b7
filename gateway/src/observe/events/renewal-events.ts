// Writes renewal events to the log and the metrics.
import type { Log } from '../log.ts'
import type { CountEvent } from '../metrics/event-counters.ts'
import type { AuthResult } from '../../authenticate/auth-result.ts'
import type { RenewalEvents } from '../../renew/renew.ts'

export interface RenewalReports {
  eventsFor(issuer: string): RenewalEvents
  /** Called after a response has delivered a successor. */
  readonly onDelivered: (caller: AuthResult) => void
}

export function createRenewalEvents(log: Log, count: CountEvent): RenewalReports {
  return {
    onDelivered({ issuer }) {
      count('tollgate_renewals_delivered_total', { issuer })
    },
    eventsFor(issuer) {
      return {
        onMade() {
          count('tollgate_renewals_total', { issuer })
        },
        onFailed(reason) {
          count('tollgate_renewal_failures_total', { issuer })
          // Logged as info, because the old token is still valid.
          log.info({ issuer, reason }, 'token not renewed')
        },
        onRetired() {
          count('tollgate_tokens_retired_total', { issuer })
        },
        onReused({ subject, tokenId, sid }, first) {
          count('tollgate_token_reuse_total', { issuer })
          if (first)
            log.warn({ issuer, subject, sid, token: tokenId.slice(0, 8) }, 'token reuse: its successor is in use')
        },
      }
    },
  }
}
