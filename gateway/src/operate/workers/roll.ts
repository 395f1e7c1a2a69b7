// Replaces the workers by new processes, one after the other: each new one listens before the one that it replaces drains.
import type { Schedule } from '../../clock.ts'
import { CannotStart } from '../../failure.ts'
import type { WorkerRun } from './worker-run.ts'

/** Beside `startTimeout`, for which keys may be waited for: to load the code and the block list. */
export const READY_MS = 30_000
/** Beside `shutdown.timeout`: to write what was revoked last, and the log. */
export const LEAVE_MS = 5000

/** The place of a worker. */
export interface Slot {
  readonly worker: number
  run: WorkerRun | undefined
  restartDelayMs: number
}

export interface RollParts {
  /** Starts a process for this place, which it has not yet. */
  readonly start: (slot: Slot) => WorkerRun
  readonly createSlot: (worker: number) => Slot
  /** Said before each step: undefined, or why no further one is to be made. */
  readonly mayNot: () => string | undefined
  readonly schedule: Schedule
  readonly readyMs: number
  readonly leaveMs: number
  readonly onReplaced: (slot: Slot) => void
}

export interface Rolled {
  /** How many workers are new. */
  readonly restarted: number
  /** Why the others are not. */
  readonly stopped?: string
}

/** Throws CannotStart when it does not come to listen in time; then it is ended. */
async function listenInTime(run: WorkerRun, withinMs: number, schedule: Schedule): Promise<void> {
  const cancel = schedule(withinMs, () => {
    run.kill()
  })
  try {
    await run.listened
  } finally {
    cancel()
  }
}

async function leaveInTime(run: WorkerRun | undefined, withinMs: number, schedule: Schedule): Promise<void> {
  if (run === undefined) return
  const cancel = schedule(withinMs, () => {
    run.kill()
  })
  run.leave()
  await run.ended
  cancel()
}

/** `slots` gets as many as `count` says. Never rejects. A worker that does not come to listen stops it; those before it stay. */
export async function roll(slots: Slot[], count: number, parts: RollParts): Promise<Rolled> {
  const { start, createSlot, mayNot, schedule, readyMs, leaveMs, onReplaced } = parts
  let restarted = 0
  for (let index = 0; index < count; index += 1) {
    const stopped = mayNot()
    if (stopped !== undefined) return { restarted, stopped }
    const slot = slots[index] ?? createSlot(index + 1)
    const run = start(slot)
    try {
      await listenInTime(run, readyMs, schedule)
    } catch (error) {
      if (!(error instanceof CannotStart)) throw error
      return { restarted, stopped: `worker ${slot.worker} could not be replaced: ${error.message}` }
    }
    const before = slot.run
    slot.run = run
    slots[index] = slot
    restarted += 1
    onReplaced(slot)
    await leaveInTime(before, leaveMs, schedule)
  }
  for (const slot of slots.splice(count)) {
    const { run } = slot
    slot.run = undefined
    await leaveInTime(run, leaveMs, schedule)
  }
  return { restarted }
}
