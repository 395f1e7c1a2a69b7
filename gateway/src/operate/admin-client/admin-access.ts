// Where the admin listener of the gateway that runs is, and what opens it.
import { isIPv6 } from 'node:net'

import type { Config } from '../../options/config.ts'

export interface AdminAccess {
  /** Origin of the admin listener; undefined where its port is not known. */
  readonly url: string | undefined
  readonly token: string | undefined
}

/** As addresses to listen on they mean all; as addresses to connect to, some systems take them and others do not. */
const ANY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Where the config says; what is given goes before it. Undefined for a port that the system chooses. */
export function adminAccess(
  { admin }: Pick<Config, 'admin'>,
  given: { readonly admin?: string; readonly adminToken?: string },
): AdminAccess {
  const { host, port } = admin
  const named = ANY[host] ?? host
  const ofConfig = port === 0 ? undefined : `http://${isIPv6(named) ? `[${named}]` : named}:${port}`
  return { url: given.admin ?? ofConfig, token: given.adminToken ?? admin.token }
}
