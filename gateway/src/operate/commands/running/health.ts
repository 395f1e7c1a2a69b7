// tollgate health: asks a running gateway whether it is ready, for the health checks of containers.
import { Option, type Command } from 'commander'

import { adminAccess } from '../../admin-client/admin-access.ts'
import { CommandFailed, WrongCall } from '../command-failed.ts'
import { configOption } from '../config-option.ts'
import { options as optionsOf } from '../../../config/checks/loose.ts'
import { loadConfig } from '../../../config/load.ts'
import type { Config } from '../../../options/config.ts'
import { parseDuration } from '../../../options/kinds.ts'

interface HealthOptions {
  readonly config: string
  readonly admin?: string
  readonly live?: boolean
  readonly timeout: string
  readonly json?: boolean
}

interface Health {
  readonly alive?: boolean
  readonly ready?: boolean
  readonly notReady?: readonly { readonly part: string; readonly reason?: string }[]
}

/** Of a file with errors too: it may have been edited since, and the gateway that runs is as healthy as before. */
function adminUrlIn(file: string): string {
  let values: unknown
  const loaded = loadConfig(file, { env: process.env, onValues: (seen) => (values = seen) })
  const { host, port } = optionsOf(optionsOf(values)['admin'])
  if (typeof host !== 'string' || typeof port !== 'number')
    throw new CommandFailed(loaded.ok ? '' : `${file}: ${loaded.errors[0]?.message ?? 'unreadable'}`)
  const { url } = adminAccess({ admin: { host, port } as Config['admin'] }, {})
  if (url === undefined) throw new CommandFailed('admin.port is 0, so nobody knows where a gateway listens (--admin)')
  return url
}

async function ask(url: URL, timeoutMs: number): Promise<Health> {
  let text: string
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
    text = await response.text()
  } catch {
    throw new CommandFailed(`no gateway answers at ${url.host}`)
  }
  try {
    const health = JSON.parse(text) as Health | null
    if (typeof health?.ready === 'boolean' || typeof health?.alive === 'boolean') return health
  } catch {
    // Another service, which is told like JSON of another kind.
  }
  throw new CommandFailed(`what answers at ${url.host} is not the admin listener of a gateway`)
}

function reasonsOf({ notReady = [] }: Health): string {
  return notReady.map(({ part, reason }) => (reason === undefined ? part : `${part}: ${reason}`)).join('; ')
}

async function health({ config, admin, live, timeout, json }: HealthOptions): Promise<void> {
  if (admin !== undefined && !URL.canParse(admin))
    throw new WrongCall('--admin is no URL: write it like http://127.0.0.1:9901')
  const timeoutMs = parseDuration(timeout)
  if (!(timeoutMs > 0)) throw new WrongCall(`--timeout ${timeout} is no duration, such as 3s`)
  const told = await ask(new URL(live === true ? '/livez' : '/readyz', admin ?? adminUrlIn(config)), timeoutMs)
  const isWell = live === true ? told.alive === true : told.ready === true
  if (json === true) process.stdout.write(`${JSON.stringify(told)}\n`)
  if (!isWell) throw new CommandFailed(json === true ? '' : `not ready: ${reasonsOf(told)}`)
  if (json !== true) process.stdout.write(live === true ? 'alive\n' : 'ready\n')
}

export function addHealth(command: Command): void {
  command
    .addOption(configOption())
    .addOption(
      new Option('--admin <url>', 'admin listener of the gateway; left out: as admin of the config says').env(
        'TOLLGATE_ADMIN_URL',
      ),
    )
    .option('--live', 'ask only whether the process answers (/livez), not whether it is ready (/readyz)')
    .option('--timeout <duration>', 'how long to wait for the answer', '3s')
    .option('--json', 'print JSON')
    .action(health)
}
