// Decides whether a gateway is ready, reports what fails and since when, and merges the reports of several processes.
import type { Clock, Schedule } from '../../clock.ts'

/** `failing`: the gateway is not ready. `degraded`: it is ready, but a part does not work fully. */
export type PartState = 'ok' | 'degraded' | 'failing'

/** The current state of one part of the gateway. A part may have several findings. */
export interface Finding {
  readonly part: string
  readonly state: PartState
  /** Undefined for `ok`. */
  readonly reason?: string
}

export interface Told {
  readonly part: string
  readonly reason?: string
  /** RFC 3339, by the current wall clock. */
  readonly since: string
}

/** The gateway is ready when `notReady` is empty. */
export interface Readiness {
  readonly notReady: readonly Told[]
  readonly degraded: readonly Told[]
  readonly ok: readonly Told[]
}

export interface ReadinessWatch {
  readiness(): Readiness
  /** Starts to check at intervals, so that `since` is right even when nobody asks. */
  start(): void
  stop(): void
}

/** Interval of checks, and so the error of `since`. A call of `readiness` checks at once. */
const LOOK_EVERY_MS = 1000

/** Creates the watch. `look` returns the current findings, and must not wait. */
export function watchReadiness(look: () => readonly Finding[], clock: Clock, schedule: Schedule): ReadinessWatch {
  /** The time of each part's last change of state, by the monotonic clock. */
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

/** The key of a finding, without its reason, which may hold a changing number. */
function keyOf({ part, state }: Finding): string {
  return `${state} ${part}`
}

/**
 * Merges reports: lists each problem of any process once, with its earliest time; `ok` lists the parts without a problem in any
 * process.
 */
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

/** The readiness of a process that serves no requests: it is shutting down, or has no worker. */
export function notReadyAtAll(part: string, reason: string, sinceMs: number): Readiness {
  return { notReady: [{ part, reason, since: new Date(sinceMs).toISOString() }], degraded: [], ok: [] }
}
