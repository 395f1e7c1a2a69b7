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
  readonly onChange: (target: Target, healthy: boolean) => void
}

function ignore(): void {
  // Nothing of the answer but its status matters.
}

/** Asks once; `report` is called exactly once. An answer that does not end is cancelled as well: it would hold the connection. */
function ask(
  transport: Transport,
  { path, timeout }: HealthConfig,
  schedule: Schedule,
  report: (good: boolean) => void,
): void {
  let abort = ignore
  let reported = false
  function conclude(good: boolean): void {
    if (reported) return
    reported = true
    report(good)
  }
  function finish(): void {
    receiver.over = true
    cancel()
    conclude(false)
  }
  const receiver: ResponseReceiver & { over: boolean } = {
    over: false,
    onSent(abortRequest) {
      abort = abortRequest
      if (receiver.over) abort()
    },
    onInfo: ignore,
    onHead(status) {
      conclude(status >= 200 && status < 400)
    },
    onBody: () => true,
    onEnd: finish,
    onError: finish,
    onUpgrade(_headers, connection) {
      connection.destroy()
      finish()
    },
  }
  const cancel = schedule(timeout, () => {
    finish()
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

  function learn(good: boolean): void {
    if (stopped) return
    inARow = good === target.healthy ? 0 : inARow + 1
    if (inARow >= (good ? config.healthy : config.unhealthy)) {
      inARow = 0
      target.healthy = good
      onChange(target, good)
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
