// What happens to the targets of upstreams, in the log and in the metrics.
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { UpstreamEvents } from '../forward/upstream/upstream.ts'

export function createUpstreamEvents(log: Log, metrics: Metrics): UpstreamEvents {
  return {
    onTargetOut(upstream, target, why) {
      metrics.targetOut(upstream, why)
      log.warn({ upstream, target, why }, 'target gets no requests')
    },
    onTargetBack(upstream, target) {
      log.info({ upstream, target }, 'target is back')
    },
  }
}
