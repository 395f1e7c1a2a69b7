// Waits for what happens in another process or on a socket, where no clock can be moved by hand.

/** Asks again and again; gives up after ten seconds. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 10_000,
  everyMs = 5,
): Promise<void> {
  const endMs = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`it did not come to this within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
