// Active health checks: a target is out after some bad responses until there were some good ones.
import type { ResponseReceiver, Transport } from '../transport/transport.ts'
import type { Target } from './target.ts'
import type { Schedule } from '../../clock.ts'

export interface HealthConfig {
  readonly path: string
  readonly interval: number
  readonly timeout: number
  readonly healthy: number
  readonly unhealthy: number
}

export interface HealthParts {
  /** Of the checks alone: a target whose connections are all busy is busy, not ill. */
  readonly transport: Transport
  readonly schedule: Schedule
  readonly random: () => number
  /** `cause`: why it is not healthy any more; undefined: it is again. */
  readonly onChange: (target: Target, cause: string | undefined) => void
}

function ignore(): void {
  // Nothing of the response but its status matters.
}

/**
 * Asks once; `report` is called exactly once, with what was wrong if anything was. A response that does not end is cancelled as
 * well: it would hold the connection.
 */
function ask(
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
    receiver.over = true
    cancel()
    conclude(cause)
  }
  const receiver: ResponseReceiver & { over: boolean } = {
    over: false,
    onSent(abortRequest) {
      abort = abortRequest
      if (receiver.over) abort()
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

/** Starts the checks of a target; the returned function ends them. */
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
    // Spread, so that many gateways do not ask in step.
    cancel = schedule(config.interval * (0.9 + 0.2 * random()), check)
  }
  function check(): void {
    ask(transport, config, schedule, learn)
  }

  check()
  return () => {
    stopped = true
    cancel()
  }
}
