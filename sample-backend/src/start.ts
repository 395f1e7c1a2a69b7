// `npm start`: the gateway and this backend together, until Ctrl-C.
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { systemPause } from './clock.ts'
import { readSettings } from './settings.ts'
import type { ChildOptions } from './start/child-process.ts'
import { onNpmGone } from './start/npm-parent.ts'
import { answers, waitUntilAnswering } from './start/readiness.ts'
import { supervise } from './start/supervise.ts'
import { welcome } from './start/welcome.ts'
import { StartupError } from './startup-error.ts'
import { stopRequests } from './stop-requests.ts'

const READY_WITHIN_MS = 30_000
const KILL_AFTER_MS = 8000

const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url))
const adminUrl = 'http://127.0.0.1:9901'

const nodeChild = (name: string, logFile: string, args: readonly string[]): ChildOptions => {
  return { name, command: process.execPath, args, workingDirectory: repositoryRoot, logFile: repositoryRoot + logFile }
}
const children = [
  nodeChild('sample backend', 'data/sample-backend.log', ['sample-backend/dist/main.js']),
  nodeChild('gateway', 'data/gateway.log', ['gateway/bin/tollgate.js', 'run', '-c', 'config/gateway.yaml']),
]

/** The gateway's child process inherits it: without an admin token nothing could be revoked. */
function makeAdminToken(): string | undefined {
  if ((process.env['TOLLGATE_ADMIN_TOKEN'] ?? '') !== '') return undefined
  return (process.env['TOLLGATE_ADMIN_TOKEN'] = randomBytes(24).toString('base64url'))
}

const fail = (line: string): void => {
  process.stderr.write(`start: ${line}\n`)
  process.exitCode = 1
}

try {
  const { port, gatewayUrl } = readSettings(process.env)
  const backendUrl = `http://127.0.0.1:${port}`
  const probes = [`${backendUrl}/healthz`, `${adminUrl}/readyz`]

  // An older one that still answers would pass for the one that cannot start because of it.
  for (const url of [...probes, gatewayUrl]) {
    if (await answers(url, { any: true })) throw new StartupError(`${new URL(url).host} is in use already`)
  }

  process.stdout.write(`Starting the sample backend (${backendUrl}) and the gateway (${gatewayUrl}) ...\n`)
  const adminToken = makeAdminToken()
  const stop = stopRequests()
  onNpmGone(() => process.kill(process.pid, 'SIGTERM'))
  await mkdir(`${repositoryRoot}data`, { recursive: true, mode: 0o700 })
  process.exitCode = await supervise({
    children,
    stop,
    whenReady: (signal) => waitUntilAnswering(probes, { withinMs: READY_WITHIN_MS, pause: systemPause, signal }),
    onReady: () => {
      const logFiles = children.map((child) => child.logFile.slice(repositoryRoot.length))
      process.stdout.write(welcome({ gatewayUrl, adminUrl, backendUrl, logFiles, adminToken }))
    },
    onFailure: (line) => fail(`${line}; its log is in data/`),
    killAfterMs: KILL_AFTER_MS,
  })
} catch (error) {
  if (!(error instanceof StartupError)) throw error
  fail(error.message)
}
