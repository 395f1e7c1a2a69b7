// Waits until servers answer.
import type { Pause } from '../clock.ts'

const ASK_EVERY_MS = 150
const ANSWER_WITHIN_MS = 2000

/** Whether a GET is answered with 2xx; with `any`, whether anything answers at all. */
export async function answers(url: string, { any = false } = {}): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    await response.body?.cancel()
    return any || response.ok
  } catch {
    return false
  }
}

export interface WaitOptions {
  readonly withinMs: number
  readonly pause: Pause
  /** Ends the waiting. */
  readonly signal: AbortSignal
}

/** Rejects with the URLs that have not answered in time. */
export async function waitUntilAnswering(urls: readonly string[], options: WaitOptions): Promise<void> {
  const { withinMs, pause, signal } = options
  let silent = urls
  for (let waitedMs = 0; waitedMs <= withinMs; waitedMs += ASK_EVERY_MS) {
    const answered = await Promise.all(silent.map((url) => answers(url)))
    silent = silent.filter((_url, index) => answered[index] !== true)
    if (silent.length === 0) return
    await pause(ASK_EVERY_MS, signal)
  }
  throw new Error(`no good answer from ${silent.join(' and ')} within ${withinMs / 1000} s`)
}
