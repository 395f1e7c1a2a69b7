// Events of upstream targets in the log and the metrics.
import type { Log } from '../log.ts'
import type { CountEvent } from '../metrics/event-counters.ts'
import type { UpstreamEvents } from '../../forward/upstream/upstream.ts'

export function createUpstreamEvents(log: Log, count: CountEvent): UpstreamEvents {
  return {
    onTargetOut(upstream, target, why, cause) {
      count('tollgate_targets_out_total', { upstream, why })
      log.warn({ upstream, target, why, cause }, 'target gets no requests')
    },
    onTargetBack(upstream, target) {
      log.info({ upstream, target }, 'target is back')
    },
  }
}
