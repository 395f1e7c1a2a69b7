// Active health: each target is asked at its path in turn, and is out after some bad answers until there were some good ones.
import type { ResponseReceiver } from './transport.ts'
import type { Target } from './target.ts'
import type { Schedule } from '../clock.ts'

export interface HealthConfig {
  readonly path: string
  readonly interval: number
  readonly timeout: number
  readonly healthy: number
  readonly unhealthy: number
}

export interface HealthParts {
  readonly schedule: Schedule
  readonly random: () => number
  readonly onChange: (target: Target, healthy: boolean) => void
}

function ignore(): void {
  // Nothing of the answer but its status matters.
}

/** Asks once; `report` is called exactly once. */
function ask(
  { transport }: Target,
  { path, timeout }: HealthConfig,
  schedule: Schedule,
  report: (good: boolean) => void,
) {
  let abort = ignore
  function conclude(good: boolean): void {
    if (receiver.over) return
    receiver.over = true
    callOff()
    report(good)
  }
  const receiver: ResponseReceiver & { over: boolean } = {
    over: false,
    onSent(abortRequest) {
      abort = abortRequest
    },
    onInfo: ignore,
    onHead(status) {
      conclude(status >= 200 && status < 400)
    },
    onBody: () => true,
    onEnd: ignore,
    onError() {
      conclude(false)
    },
    onUpgrade(_headers, connection) {
      connection.destroy()
      conclude(false)
    },
  }
  const callOff = schedule(timeout, () => {
    conclude(false)
    abort()
  })
  const headers = ['user-agent', 'tollgate-health']
  transport.send({ method: 'GET', path, headers, body: null, upgrade: null, headersTimeoutMs: timeout }, receiver)
}

/** Starts the checks of a target; the returned function ends them. */
export function watchHealth(target: Target, config: HealthConfig, parts: HealthParts): () => void {
  const { schedule, random, onChange } = parts
  let inARow = 0
  let stopped = false
  let callOff = ignore

  function learn(good: boolean): void {
    if (stopped) return
    inARow = good === target.healthy ? 0 : inARow + 1
    if (inARow >= (good ? config.healthy : config.unhealthy)) {
      inARow = 0
      target.healthy = good
      onChange(target, good)
    }
    // Spread, so that many gateways do not ask in step.
    callOff = schedule(config.interval * (0.9 + 0.2 * random()), check)
  }
  function check(): void {
    ask(target, config, schedule, learn)
  }

  check()
  return () => {
    stopped = true
    callOff()
  }
}
