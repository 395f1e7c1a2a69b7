// What belongs to the process and outlives every generation: block list, metrics, counts, and the watch of open streams.
import { systemClock, systemSchedule } from '../../clock.ts'
import { watchStreams } from '../../forward/forwarding.ts'
import { createListenerEvents } from '../../observe/events/listener-events.ts'
import { keyStatus } from '../../observe/events/key-events.ts'
import { createMetrics, type MetricsParts } from '../../observe/metrics/metrics.ts'
import type { Config } from '../../options/config.ts'
import type { Revocation, RevocationParts } from '../../revoke/revocation.ts'
import type { Generation } from '../generation.ts'
import type { ServerParts } from '../running.ts'
import type { InFlight } from '../serve.ts'

export interface LastingSources extends Pick<MetricsParts, 'listener'> {
  readonly current: () => Generation
  readonly createRevocation: (parts: Pick<RevocationParts, 'clock' | 'schedule'>) => Revocation
}

export type Lasting = ReturnType<typeof createLasting>

export function createLasting(config: Config, parts: ServerParts, { current, listener, ...sources }: LastingSources) {
  const { version, clock = systemClock, schedule = systemSchedule, random = Math.random, lent } = parts
  const inFlight: InFlight = { limit: config.limits.inFlight, count: 0, onCut: undefined }
  const reloads = { successful: true, succeededAtMs: clock.now() }
  const revocation = lent?.revocation ?? sources.createRevocation({ clock, schedule })
  const metrics = createMetrics(
    {
      ...{ version, inFlight, reloads, revocation, listener, ofProcess: lent === undefined },
      tokens: () => current().authentication.authenticator,
      keys: () => keyStatus(current().authentication.issuers, clock),
      upstreams: () => [...current().forwarding.upstreams.values()],
    },
    config.admin.metrics,
  )
  const watch = watchStreams(revocation.list, clock, schedule)
  const events = createListenerEvents(parts.log, metrics.count, clock)
  return { ...parts, clock, schedule, random, inFlight, reloads, revocation, metrics, watch, ...events }
}
