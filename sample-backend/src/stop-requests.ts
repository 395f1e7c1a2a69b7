// The signals that ask a process to stop, as one AbortSignal.

/** Fires once; what comes after is ignored, so that an impatient second Ctrl-C does not cut the answers that are being finished. */
export function stopRequests(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => controller.abort())
  return controller.signal
}
