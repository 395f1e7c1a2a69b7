// Writes events of upstreams, their targets and single requests to the log and the metrics.
import type { Log } from '../log.ts'
import type { CountEvent } from '../metrics/event-counters.ts'
import type { ForwardingEvents } from '../../forward/forwarding.ts'

export function createUpstreamEvents(log: Log, count: CountEvent): ForwardingEvents {
  return {
    onTargetOut(upstream, target, why, cause) {
      count('tollgate_targets_out_total', { upstream, why })
      log.warn({ upstream, target, why, cause }, 'target gets no requests')
    },
    onTargetBack(upstream, target) {
      log.info({ upstream, target }, 'target is back')
    },
    onNotForwarded(requestId, route, upstream, code, cause) {
      log.warn({ requestId, route, upstream, code, cause }, 'not forwarded to its end')
    },
  }
}
