// Notices that npm, which started us, is gone.

const LOOK_EVERY_MS = 1000

/**
 * Calls back once when our parent has ended, if npm started us. npm passes a SIGTERM on to its shell only, which ends without
 * passing it on to us: without this, `kill` on `npm start` would leave both servers running.
 */
export function onNpmGone(callback: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    callback()
  }, LOOK_EVERY_MS)
  timer.unref()
}
