// An upstream as one transport: balances requests over its available targets, and queues requests when all are busy.
import { createBalance } from './balance.ts'
import { watchHealth } from './health.ts'
import { createRetryBudget } from './retry-budget.ts'
import { createTarget, type Outage, type Target } from './target.ts'
import type { OutgoingRequest, ResponseReceiver, TargetTransport, Transport } from '../transport/transport.ts'
import type { UpstreamConfig } from '../../options/upstreams.ts'
import { UpstreamUnavailable } from './upstream-failure.ts'
import { UpstreamCall } from './upstream-call.ts'
import type { Clock, Schedule } from '../../clock.ts'

/** Reports changes of target health to the log and the metrics. */
export interface UpstreamEvents {
  /** `cause`: the last failure, as text for the log. */
  onTargetOut(upstream: string, target: string, why: Outage['why'], cause: string): void
  onTargetBack(upstream: string, target: string): void
}

export interface UpstreamParts {
  readonly clock: Clock
  readonly schedule: Schedule
  readonly random: () => number
  readonly createTransport: (target: string, config: UpstreamConfig) => TargetTransport
  readonly events: UpstreamEvents
}

export interface TargetStatus {
  readonly target: string
  readonly inFlight: number
  readonly available: boolean
  /** Why not, with the time of the probe that may end an ejection (monotonic clock). */
  readonly outages: readonly (Outage & { readonly probeAtMs?: number | undefined })[]
}

export interface Upstream extends Transport {
  readonly name: string
  readonly status: () => readonly TargetStatus[]
  readonly queued: number
  readonly retries: number
  /** True when at least one target is available. */
  canServe(): boolean
  /** Starts the active health checks, if the config has any and they do not run yet. */
  start(): void
}

export function createUpstream(name: string, config: UpstreamConfig, parts: UpstreamParts): Upstream {
  const { clock, events } = parts
  const { connections, queue: limits } = config
  const targets = config.targets.map((target, index) =>
    createTarget(target, config.weights?.[index] ?? 1, parts.createTransport(target, config), config.ejection),
  )
  const balance = createBalance(config.balance)
  const budget = createRetryBudget()
  const waiting: { readonly call: UpstreamCall; readonly untilMs: number }[] = []
  const stops: (() => Promise<void>)[] = []
  let retries = 0
  /** One timer for all that wait: a queue that fills and empties all the time shall not leave one behind each time. */
  let expiring = false

  /** The one target is taken without asking how it is: there is no better one. */
  const [only] = targets.length === 1 && config.health === undefined ? targets : []

  function choose({ triedLast: without, client }: UpstreamCall): Target | 'busy' | 'unhealthy' {
    if (only !== undefined) return only.inFlight < connections ? only : 'busy'
    const own = client === undefined ? undefined : targets.find(({ transport }) => transport.holds(client))
    if (own !== undefined && own !== without) return own.inFlight < connections ? own : 'busy'
    const nowMs = clock.monotonic()
    const open = targets.filter((target) => target.healthy && target.ejection.isOpen(nowMs))
    const others = open.filter((target) => target !== without)
    const candidates = (others.length === 0 ? open : others).filter((target) => target.inFlight < connections)
    if (candidates.length > 0) return balance(candidates)
    return open.length > 0 ? 'busy' : 'unhealthy'
  }

  function unhealthy(): UpstreamUnavailable {
    const reason = `none of ${targets.length} ${targets.length === 1 ? 'target' : 'targets'} is healthy, one is needed`
    return new UpstreamUnavailable('upstream_unhealthy', reason)
  }

  function overloaded(reason: string): UpstreamUnavailable {
    return new UpstreamUnavailable(
      'upstream_overloaded',
      `all ${connections} connections to each target are busy: ${reason}`,
    )
  }

  function begin(call: UpstreamCall, target: Target): void {
    target.inFlight += 1
    target.ejection.begin(clock.monotonic())
    call.start(target)
  }

  function place(call: UpstreamCall): void {
    const target = choose(call)
    if (target === 'unhealthy') call.fail(unhealthy())
    else if (target === 'busy') wait(call)
    else begin(call, target)
  }

  function wait(call: UpstreamCall): void {
    if (waiting.length >= limits.max) dropGone()
    if (waiting.length >= limits.max) {
      call.fail(overloaded(`${limits.max} requests wait already, at most ${limits.max} may (queue.max)`))
      return
    }
    waiting.push({ call, untilMs: clock.monotonic() + limits.timeout })
    if (expiring) return
    expiring = true
    parts.schedule(limits.timeout, expire)
  }

  function dropGone(): void {
    for (let index = waiting.length - 1; index >= 0; index -= 1)
      if (waiting[index]?.call.ended === true) waiting.splice(index, 1)
  }

  function expire(): void {
    const nowMs = clock.monotonic()
    while ((waiting[0]?.untilMs ?? Infinity) <= nowMs)
      waiting.shift()?.call.fail(overloaded(`none became free within ${limits.timeout} ms (queue.timeout)`))
    const next = waiting[0]
    expiring = next !== undefined
    if (next !== undefined) parts.schedule(next.untilMs - nowMs, expire)
  }

  function serveNext(): void {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const target = choose(next.call)
      if (typeof target === 'string') return
      waiting.shift()
      if (!next.call.ended) begin(next.call, target)
    }
  }

  function takenOut(target: Target, why: Outage['why'], cause: string): void {
    target.outages.set(why, { why, cause, sinceMs: clock.monotonic() })
    events.onTargetOut(name, target.name, why, cause)
  }

  function back(target: Target, why: Outage['why']): void {
    target.outages.delete(why)
    events.onTargetBack(name, target.name)
  }

  function failed(target: Target, cause: string): void {
    const ejected = targets.filter(({ ejection }) => ejection.ejected).length
    const mayEject = ejected + 1 <= targets.length / 2
    if (target.ejection.failed(clock.monotonic(), mayEject)) takenOut(target, 'ejected', cause)
  }

  const owner = {
    maxRetries: config.retries,
    onHead(target: Target, status: number): void {
      if (status >= 500) {
        failed(target, `status ${status}`)
        return
      }
      const was = target.ejection.ejected
      target.ejection.succeeded()
      if (was && !target.ejection.ejected) back(target, 'ejected')
    },
    onDone(target: Target): void {
      target.inFlight -= 1
      if (waiting.length > 0) serveNext()
    },
    onFailed(target: Target, error: Error): void {
      failed(target, error.message)
    },
    onInconclusive(target: Target): void {
      target.ejection.inconclusive()
    },
    retry(call: UpstreamCall): boolean {
      if (!budget.spend()) return false
      retries += 1
      place(call)
      return true
    },
  }

  return {
    name,
    send(request: OutgoingRequest, receiver: ResponseReceiver) {
      budget.earn()
      place(new UpstreamCall(owner, request, receiver))
    },
    start() {
      const { health } = config
      if (health === undefined || stops.length > 0) return
      for (const target of targets) {
        const transport = parts.createTransport(target.name, { ...config, connections: 1 })
        const stop = watchHealth(target, health, {
          ...parts,
          transport,
          onChange(changed, cause) {
            if (cause === undefined) back(changed, 'unhealthy')
            else takenOut(changed, 'unhealthy', cause)
          },
        })
        stops.push(() => {
          stop()
          return transport.close()
        })
      }
    },
    canServe() {
      const nowMs = clock.monotonic()
      return only !== undefined || targets.some(({ healthy, ejection }) => healthy && ejection.isOpen(nowMs))
    },
    status: () =>
      targets.map(({ name: target, inFlight, healthy, ejection, outages }) => ({
        target,
        inFlight,
        available: healthy && !ejection.ejected,
        outages: [...outages.values()].map((outage) => ({
          ...outage,
          ...(outage.why === 'ejected' ? { probeAtMs: ejection.untilMs } : {}),
        })),
      })),
    get queued() {
      return waiting.length
    },
    get retries() {
      return retries
    },
    async close() {
      await Promise.all([...stops.map((stop) => stop()), ...targets.map(({ transport }) => transport.close())])
    },
  }
}
