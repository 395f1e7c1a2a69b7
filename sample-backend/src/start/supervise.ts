// Runs processes that belong together: all of them or none.
import { startChild, type ChildOptions } from './child-process.ts'

export interface SuperviseOptions {
  readonly children: readonly ChildOptions[]
  /** Asks for the end of all. */
  readonly stop: AbortSignal
  /** Resolves when all children answer; rejects when they do not. The signal says that nobody waits any more. */
  readonly whenReady: (signal: AbortSignal) => Promise<void>
  readonly onReady: () => void
  /** Gets one line about what went wrong. */
  readonly onFailure: (line: string) => void
  /** How long a child may take to end before it is killed. */
  readonly killAfterMs: number
}

/** Resolves, after the last child has ended, to the exit code: 0 when asked to stop, 1 when a child ended or did not get ready. */
export async function supervise(options: SuperviseOptions): Promise<0 | 1> {
  const { stop, whenReady, onReady, onFailure, killAfterMs } = options
  const children = await Promise.all(options.children.map(startChild))
  const over = new AbortController()

  const failed = (line: string): 1 => {
    onFailure(line)
    return 1
  }
  const asked = new Promise<0>((resolve) => {
    if (stop.aborted) resolve(0)
    else stop.addEventListener('abort', () => resolve(0))
  })
  const firstEnd = Promise.race(
    children.map(async (child) => ({ line: `the ${child.name} has ended (${await child.ended})` })),
  )
  const ready = whenReady(over.signal).then(
    () => 'ready' as const,
    (error: Error) => ({ line: error.message }),
  )

  let outcome = await Promise.race([asked, firstEnd, ready])
  if (outcome === 'ready') {
    onReady()
    outcome = await Promise.race([asked, firstEnd])
  }
  over.abort()
  const exitCode = outcome === 0 ? 0 : failed(outcome.line)
  await Promise.all(children.map((child) => child.stop(killAfterMs)))
  return exitCode
}
