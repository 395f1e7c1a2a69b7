// Decides whether a gateway is ready, and says what does not work and since when: for one process, and for several as one.
import type { Clock, Schedule } from '../../clock.ts'

/** failing: not ready. degraded: ready, though something does not work. */
export type PartState = 'ok' | 'degraded' | 'failing'

/** How a part of the gateway is now; several findings of one part are several. */
export interface Finding {
  readonly part: string
  readonly state: PartState
  /** Undefined where it is ok. */
  readonly reason?: string
}

export interface Told {
  readonly part: string
  readonly reason?: string
  /** RFC 3339, by the wall clock of now. */
  readonly since: string
}

/** Ready when nothing is in `notReady`. */
export interface Readiness {
  readonly notReady: readonly Told[]
  readonly degraded: readonly Told[]
  readonly ok: readonly Told[]
}

export interface ReadinessWatch {
  readiness(): Readiness
  /** Looks from time to time, so that `since` is true whoever asks and when. */
  start(): void
  stop(): void
}

/** How late a change is noticed; who asks sees it at once. */
const LOOK_EVERY_MS = 1000

export function watchReadiness(look: () => readonly Finding[], clock: Clock, schedule: Schedule): ReadinessWatch {
  /** When each part came into its state, by the clock that never jumps. */
  let sinceMs = new Map<string, number>()
  let cancelLook: (() => void) | undefined

  function notice(): readonly Finding[] {
    const findings = look()
    const nowMs = clock.monotonic()
    sinceMs = new Map(
      findings.map((finding) => {
        const key = keyOf(finding)
        return [key, sinceMs.get(key) ?? nowMs]
      }),
    )
    return findings
  }

  function readiness(): Readiness {
    const findings = notice()
    const startedAtMs = clock.now() - clock.monotonic()
    const tell = (wanted: PartState) =>
      findings
        .filter(({ state }) => state === wanted)
        .map((finding): Told => {
          const { part, reason } = finding
          const since = new Date(startedAtMs + (sinceMs.get(keyOf(finding)) ?? 0)).toISOString()
          return { part, ...(reason === undefined ? {} : { reason }), since }
        })
    return { notReady: tell('failing'), degraded: tell('degraded'), ok: tell('ok') }
  }

  function lookOn(): void {
    notice()
    cancelLook = schedule(LOOK_EVERY_MS, lookOn)
  }

  return {
    readiness,
    start() {
      cancelLook?.()
      lookOn()
    },
    stop() {
      cancelLook?.()
    },
  }
}

/** Without its reason: that may hold a figure that changes. */
function keyOf({ part, state }: Finding): string {
  return `${state} ${part}`
}

/** What any of them lacks, once, and since the first one lacked it; ok is what all of them have. */
export function mergeReadiness(all: readonly Readiness[]): Readiness {
  const notReady = once(all.flatMap((one) => one.notReady))
  const degraded = once(all.flatMap((one) => one.degraded))
  const troubled = new Set([...notReady, ...degraded].map(({ part }) => part))
  const ok = once(all.flatMap((one) => one.ok)).filter(({ part }) => !troubled.has(part))
  return { notReady, degraded, ok }
}

function once(told: readonly Told[]): readonly Told[] {
  const merged = new Map<string, Told>()
  for (const one of told) {
    const key = `${one.part} ${one.reason ?? ''}`
    const before = merged.get(key)
    if (before === undefined || one.since < before.since) merged.set(key, one)
  }
  return [...merged.values()]
}

/** A reason of the process itself: it ends, or has no worker. */
export function notReadyAtAll(part: string, reason: string, sinceMs: number): Readiness {
  return { notReady: [{ part, reason, since: new Date(sinceMs).toISOString() }], degraded: [], ok: [] }
}
