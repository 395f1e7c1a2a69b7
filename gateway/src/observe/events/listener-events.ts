// What happens to connections before any request, in the log and in the metrics.
import type { Clock } from '../../clock.ts'
import type { ProxyRefusal } from '../../accept/listen/proxied-connections.ts'
import { createLineLimit } from '../line-limit.ts'
import type { Log } from '../log.ts'
import type { CountEvent } from '../metrics/event-counters.ts'

export interface ListenerEvents {
  readonly onProxyRefused: (client: string, refusal: ProxyRefusal, reason: string) => void
}

export function createListenerEvents(log: Pick<Log, 'warn'>, count: CountEvent, clock: Clock): ListenerEvents {
  const limit = createLineLimit(clock)
  return {
    onProxyRefused(client, refusal, reason) {
      count('tollgate_proxy_protocol_refused_total', { reason: refusal })
      const suppressed = limit()
      if (suppressed === undefined) return
      log.warn(
        { client, reason, suppressed: suppressed === 0 ? undefined : suppressed },
        'a connection without a PROXY header to believe is closed',
      )
    },
  }
}
