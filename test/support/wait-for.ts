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

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
