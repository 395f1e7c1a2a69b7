// Finds the URL and the token of the admin listener of the running gateway.
import { isIPv6 } from 'node:net'

import type { Config } from '../../options/config.ts'

export interface AdminAccess {
  /** Origin of the admin listener; undefined when its port is not known. */
  readonly url: string | undefined
  readonly token: string | undefined
}

/** Wildcard addresses to listen on. Not every system can connect to them, so commands connect to loopback instead. */
const ANY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Reads URL and token from the config; given values take precedence. The URL is undefined for port 0, which the system chooses. */
export function adminAccess(
  { admin }: Pick<Config, 'admin'>,
  given: { readonly admin?: string; readonly adminToken?: string },
): AdminAccess {
  const { host, port } = admin
  const named = ANY[host] ?? host
  const ofConfig = port === 0 ? undefined : `http://${isIPv6(named) ? `[${named}]` : named}:${port}`
  return { url: given.admin ?? ofConfig, token: given.adminToken ?? admin.token }
}
