// What happens to tokens that are renewed, in the log and in the metrics.
import { Counter } from 'prom-client'

import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { AuthResult } from '../authenticate/auth-result.ts'
import type { RenewalEvents } from '../renew/renew.ts'

export interface RenewalReports {
  eventsFor(issuer: string): RenewalEvents
  /** An answer carried a successor. */
  readonly onDelivered: (caller: AuthResult) => void
}

export function createRenewalEvents(log: Log, { registry }: Pick<Metrics, 'registry'>): RenewalReports {
  function counter(name: string, help: string): Counter<'issuer'> {
    return new Counter({ name, help, labelNames: ['issuer'], registers: [registry] })
  }
  const made = counter(
    'tollgate_renewals_total',
    'Successors made, or got from the issuer: one for a token and process.',
  )
  const failed = counter('tollgate_renewal_failures_total', 'Tokens that were due and got no successor.')
  const delivered = counter('tollgate_renewals_delivered_total', 'Answers that carried a successor.')
  const retired = counter('tollgate_tokens_retired_total', 'Old tokens blocked after the first use of their successor.')
  const reused = counter(
    'tollgate_token_reuse_total',
    'Requests with a token whose successor is in use: a sign of theft.',
  )

  return {
    onDelivered: ({ issuer }) => {
      delivered.inc({ issuer })
    },
    eventsFor(issuer) {
      return {
        onMade() {
          made.inc({ issuer })
        },
        onFailed(reason) {
          failed.inc({ issuer })
          // The old token still serves: nobody has to get up for this.
          log.info({ issuer, reason }, 'token not renewed')
        },
        onRetired() {
          retired.inc({ issuer })
        },
        onReused({ subject, tokenId, sid }, first) {
          reused.inc({ issuer })
          if (first)
            log.warn({ issuer, subject, sid, token: tokenId.slice(0, 8) }, 'token reuse: its successor is in use')
        },
      }
    },
  }
}
