// Counts claims that upstreams were not told, because they cannot be the value of a header.
import type { CountEvent } from '../metrics/event-counters.ts'

/** The header is a name of the config, never of a request. */
export function createIdentityEvents(count: CountEvent): (header: string, reason: string) => void {
  return (header, reason) => {
    count('tollgate_claim_headers_left_out_total', { header, reason })
  }
}
