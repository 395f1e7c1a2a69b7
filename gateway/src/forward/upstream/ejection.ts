// Passive health: a target that keeps failing gets no requests for a while, then one as a probe.

export interface EjectionConfig {
  /** Failures in a row; 0 never ejects. */
  readonly failures: number
  /** Milliseconds of the first ejection; each further one takes twice as long. */
  readonly time: number
  readonly maxTime: number
}

export interface Ejection {
  /** False while ejected, and while a probe is under way. */
  isOpen(nowMs: number): boolean
  /** A request goes to the target: when its time is over, that is the probe. */
  begin(nowMs: number): void
  succeeded(): void
  /** `mayEject` says whether enough others are left. True when this failure ejected the target. */
  failed(nowMs: number, mayEject: boolean): boolean
  /** Nothing was learnt: the client left, or its body was too large. */
  forgotten(): void
  /** Out of the rotation, whether its time is over or not. */
  readonly ejected: boolean
}

export function createEjection({ failures, time, maxTime }: EjectionConfig): Ejection {
  let inARow = 0
  let times = 0
  let untilMs: number | undefined
  let probing = false

  return {
    get ejected() {
      return untilMs !== undefined
    },
    isOpen: (nowMs) => untilMs === undefined || (nowMs >= untilMs && !probing),
    begin(nowMs) {
      if (untilMs !== undefined && nowMs >= untilMs) probing = true
    },
    succeeded() {
      inARow = 0
      // What was sent before the ejection and answered late says nothing about now; only the probe does.
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
    forgotten() {
      probing = false
    },
  }
}
