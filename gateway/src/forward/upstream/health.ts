// Active health checks: takes a target out after failed checks in a row, and back after successful ones.
import type { ResponseReceiver, Transport } from '../transport/transport.ts'
import type { Target } from './target.ts'
import type { Schedule } from '../../clock.ts'

/** Settings of active health checks (`upstreams.*.health`). Times are in milliseconds. */
export interface HealthConfig {
  readonly path: string
  readonly interval: number
  readonly timeout: number
  /** Successes in a row that make a target healthy. */
  readonly healthy: number
  /** Failures in a row that make a target unhealthy. */
  readonly unhealthy: number
}

export interface HealthParts {
  /** A transport for health checks only: a busy target must not fail its checks for want of a connection. */
  readonly transport: Transport
  readonly schedule: Schedule
  readonly random: () => number
  /** `cause`: why the target became unhealthy; undefined when it became healthy. */
  readonly onChange: (target: Target, cause: string | undefined) => void
}

function ignore(): void {
  // Nothing of the response but its status matters.
}

/**
 * Sends one check. Calls `report` exactly once, with the cause of a failure or undefined. After `timeout` it also cancels a
 * response whose head was good but which does not end, because it would hold the connection.
 */
function probe(
  transport: Transport,
  { path, timeout }: HealthConfig,
  schedule: Schedule,
  report: (cause: string | undefined) => void,
): void {
  let abort = ignore
  let reported = false
  function conclude(cause: string | undefined): void {
    if (reported) return
    reported = true
    report(cause)
  }
  function finish(cause: string): void {
    receiver.ended = true
    cancel()
    conclude(cause)
  }
  const receiver: ResponseReceiver & { ended: boolean } = {
    ended: false,
    onSent(abortRequest) {
      abort = abortRequest
      if (receiver.ended) abort()
    },
    onInfo: ignore,
    onHead(status) {
      conclude(status >= 200 && status < 400 ? undefined : `status ${status}`)
    },
    onBody: () => true,
    onEnd() {
      finish('no answer')
    },
    onError({ message }) {
      finish(message)
    },
    onUpgrade(_headers, connection) {
      connection.destroy()
      finish('protocols were switched')
    },
  }
  const cancel = schedule(timeout, () => {
    finish('no answer in time')
    abort()
  })
  const headers = ['user-agent', 'tollgate-health']
  const limits = { connectTimeoutMs: timeout, headersTimeoutMs: timeout }
  transport.send({ method: 'GET', path, headers, body: null, upgrade: null, ...limits }, receiver)
}

/** Checks a target every `interval` (± 10 %), beginning now, and sets `target.healthy`. Returns a function that stops. */
export function watchHealth(target: Target, config: HealthConfig, parts: HealthParts): () => void {
  const { transport, schedule, random, onChange } = parts
  let inARow = 0
  let stopped = false
  let cancel = ignore

  function learn(cause: string | undefined): void {
    if (stopped) return
    const good = cause === undefined
    inARow = good === target.healthy ? 0 : inARow + 1
    if (inARow >= (good ? config.healthy : config.unhealthy)) {
      inARow = 0
      target.healthy = good
      onChange(target, cause)
    }
    // Jitter, so that many gateways do not check at the same moment.
    cancel = schedule(config.interval * (0.9 + 0.2 * random()), check)
  }
  function check(): void {
    probe(transport, config, schedule, learn)
  }

  check()
  return () => {
    stopped = true
    cancel()
  }
}
