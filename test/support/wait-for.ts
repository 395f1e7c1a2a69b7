// Waiting for what happens on the other side of a socket.

/** Polls until the condition holds, and returns how long that took in milliseconds. */
export async function waitFor(condition: () => boolean, withinMs = 5000): Promise<number> {
  const startMs = performance.now()
  while (!condition()) {
    if (performance.now() - startMs > withinMs) throw new Error(`it did not happen within ${withinMs} ms`)
    await pause(1)
  }
  return performance.now() - startMs
}

/** Waits until a count stands still, and returns it. The kernel's own timers (delayed acknowledgements, window probes) are real. */
export async function untilStill(count: () => number, forMs = 300): Promise<number> {
  let last = Number.NaN
  while (count() !== last) {
    last = count()
    await pause(forMs)
  }
  return last
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
