// The options of commands that ask a running gateway, and how they find that gateway.
import { Option, type Command } from 'commander'

import { adminAccess, type AdminAccess } from '../../admin-client/admin-access.ts'
import { askAdmin } from '../../admin-client/ask-admin.ts'
import { CommandFailed, WrongCall } from '../command-failed.ts'
import { configOption } from '../config-option.ts'
import { formatFaults } from '../../../config/format-problem.ts'
import { loadConfig } from '../../../config/load.ts'
import type { Config } from '../../../options/config.ts'

export interface AskOptions {
  readonly config: string
  readonly admin?: string
  readonly adminToken?: string
  readonly json?: boolean
}

export interface Found {
  readonly access: AdminAccess
  /** The config of the file; undefined when the file has errors or is missing, and the options give the URL and token. */
  readonly config: Config | undefined
}

export function addAskOptions(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(
      new Option('--admin <url>', 'admin listener of the gateway; left out: as admin of the config says').env(
        'TOLLGATE_ADMIN_URL',
      ),
    )
    .addOption(new Option('--admin-token <token>', 'left out: admin.token of the config').env('TOLLGATE_ADMIN_TOKEN'))
    .option('--json', 'print JSON')
}

/** Finds the running gateway. With both options it works without a valid config file, which may have changed since. Throws CommandFailed. */
export function findRunning({ config: file, admin, adminToken }: AskOptions): Found {
  if (admin !== undefined && !URL.canParse(admin))
    throw new WrongCall('--admin is no URL: write it like http://127.0.0.1:9901')
  const loaded = loadConfig(file, { env: process.env })
  if (!loaded.ok) {
    if (admin === undefined || adminToken === undefined) throw new CommandFailed(formatFaults(file, loaded))
    return { access: { url: admin, token: adminToken }, config: undefined }
  }
  const given = { ...(admin === undefined ? {} : { admin }), ...(adminToken === undefined ? {} : { adminToken }) }
  return { access: adminAccess(loaded.config, given), config: loaded.config }
}

/** Requests an object with this member, which other services do not send. Throws CommandFailed when the response has none. */
export async function askFor<Answer extends object>(
  access: AdminAccess,
  path: string,
  member: keyof Answer & string,
  accept: readonly number[] = [],
): Promise<{ readonly answer: Answer; readonly at: string }> {
  const told = await askAdmin<Answer>(access, {
    ...{ method: 'GET', path, accept, lacking: `has no ${path.replace(/\?.*/, '')}` },
    read(text) {
      try {
        const value: unknown = JSON.parse(text)
        return typeof value === 'object' && value !== null && member in value ? (value as Answer) : undefined
      } catch {
        return undefined
      }
    },
  })
  if ('why' in told) throw new CommandFailed(told.why)
  return told
}
