// The process of the sample backend: settings from the environment, a log on stdout, a clean end.
import { buildSampleBackend } from './server.ts'
import { readSettings } from './settings.ts'
import { StartupError } from './startup-error.ts'
import { stopRequests } from './stop-requests.ts'

// Long enough for a body that is still on its way, short enough for a person who waits.
const CLOSE_WITHIN_MS = 5000

const stop = stopRequests()

try {
  const settings = readSettings(process.env)
  const { host, port } = settings
  const app = await buildSampleBackend(settings)
  await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE'
      ? new StartupError(`${host}:${port} is in use already; stop what listens there, or set SAMPLE_PORT`)
      : error
  })

  const close = async (): Promise<void> => {
    setTimeout(() => app.server.closeAllConnections(), CLOSE_WITHIN_MS).unref()
    await app.close()
  }
  if (stop.aborted) await close()
  else stop.addEventListener('abort', () => void close())
} catch (error) {
  if (!(error instanceof Error)) throw error
  // What the operating system refuses (`syscall`) is as plain to the reader as what we refuse; the rest is a mistake of ours.
  const isPlain = error instanceof StartupError || 'syscall' in error
  process.stderr.write(`sample backend: ${isPlain ? error.message : error.stack}\n`)
  process.exitCode = 1
}
