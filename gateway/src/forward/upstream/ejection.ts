// Passive health checks: ejects a target after failures in a row, then probes it with one request.

/** Limits of passive health checks (`upstreams.*.ejection`). Times are in milliseconds. */
export interface EjectionConfig {
  /** Failures in a row that eject a target. 0 disables ejection. */
  readonly failures: number
  /** Length of the first ejection. Each failed probe doubles it, up to `maxTime`. */
  readonly time: number
  readonly maxTime: number
}

/** The passive health of one target. `nowMs` is the monotonic clock. */
export interface Ejection {
  /** True when the target may receive a request. False while it is ejected, and while a probe is in flight. */
  isOpen(nowMs: number): boolean
  /** The target receives a request. After the time of an ejection, this request is the probe. */
  begin(nowMs: number): void
  /** A request succeeded. If it was the probe, the ejection ends. */
  succeeded(): void
  /** A request failed. `mayEject`: enough other targets are left. Returns true when this failure ejected the target. */
  failed(nowMs: number, mayEject: boolean): boolean
  /** A request ended by the client's fault, such as a disconnect or a body too large: it tells nothing about the target. */
  inconclusive(): void
  /** True from the ejection to a successful probe. */
  readonly ejected: boolean
  /** When a probe may be sent, by the monotonic clock; undefined when it is not ejected. */
  readonly untilMs: number | undefined
}

/** Creates the state of one target, not ejected. */
export function createEjection({ failures, time, maxTime }: EjectionConfig): Ejection {
  let inARow = 0
  let times = 0
  let untilMs: number | undefined
  let probing = false

  return {
    get ejected() {
      return untilMs !== undefined
    },
    get untilMs() {
      return untilMs
    },
    isOpen: (nowMs) => untilMs === undefined || (nowMs >= untilMs && !probing),
    begin(nowMs) {
      if (untilMs !== undefined && nowMs >= untilMs) probing = true
    },
    succeeded() {
      inARow = 0
      // A late response to a request from before the ejection does not end it. Only the probe does.
      if (untilMs !== undefined && !probing) return
      untilMs = undefined
      times = 0
      probing = false
    },
    failed(nowMs, mayEject) {
      inARow += 1
      const probeFailed = probing
      probing = false
      if (untilMs !== undefined && !probeFailed) return false
      if (!probeFailed && (failures === 0 || inARow < failures || !mayEject)) return false
      untilMs = nowMs + Math.min(maxTime, time * 2 ** times)
      times += 1
      return !probeFailed
    },
    inconclusive() {
      probing = false
    },
  }
}
