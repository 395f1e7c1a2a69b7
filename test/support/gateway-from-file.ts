// A gateway with its admin listener in the test's process, from a file that the test writes anew and has reloaded.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { loadConfig } from '../../gateway/src/config/load.ts'
import { createLog } from '../../gateway/src/observe/log.ts'
import { startGateway } from '../../gateway/src/operate/process/main.ts'
import type { Reloaded } from '../../gateway/src/operate/reload/reload.ts'
import { temporaryDirectory } from './gateway-process.ts'
import type { Teardown } from './test-gateway.ts'

export const FILE_ADMIN_TOKEN = 'an-admin-token-that-nobody-guesses'
export const HEAD = `listen: { port: 0 }\nadmin: { port: 0, token: "${FILE_ADMIN_TOKEN}" }\nlog: { access: off }\n`

/** `text` without what every such gateway has: ports and the admin token (HEAD). */
export async function startFromFile(t: Teardown, text: string, folder = temporaryDirectory(t), head = HEAD) {
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, head + text)
  const loaded = loadConfig(file, { env: process.env })
  if (!loaded.ok) throw new Error(loaded.errors.map(({ message }) => message).join('\n'))
  const lines: Record<string, unknown>[] = []
  const log = createLog(
    { level: 'info' },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const started = await startGateway(loaded.config, log, {
    file,
    manager: { reloading: () => undefined, ready: () => undefined },
  })
  let closed: Promise<void> | undefined
  const close = () => {
    started.gateway.app.server.closeAllConnections()
    return (closed ??= started.close())
  }
  t.teardown(close)
  return {
    ...started,
    ...{ file, folder, lines, close },
    async reload(next?: string): Promise<Reloaded> {
      if (next !== undefined) writeFileSync(file, head + next)
      return (await started.reload?.('test')) ?? { ok: false, problems: ['it has no file'] }
    },
    admin: (method: string, path: string, body?: unknown, token = FILE_ADMIN_TOKEN) =>
      fetch(`${started.adminUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  }
}
