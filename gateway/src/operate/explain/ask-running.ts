// Asks the gateway that runs, over its admin listener, what would happen to a request.
import { isIPv6 } from 'node:net'

import type { ExplainQuestion } from './explained-request.ts'
import type { Explanation } from './explanation.ts'
import { readExactJson } from '../../message/json/exact-json.ts'
import type { Config } from '../../options/config.ts'

export interface AdminAccess {
  /** Origin of the admin listener; undefined where its port is not known. */
  readonly url: string | undefined
  readonly token: string | undefined
}

/** What it told, with a digest of its config; or why it did not. */
export type Told =
  | { readonly explanation: Explanation & { readonly configDigest?: string }; readonly at: string }
  | { readonly why: string }

/** Longer than any worker has. */
const TIMEOUT_MS = 25_000
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

function titleIn(text: string): string | undefined {
  try {
    const { title } = JSON.parse(text) as { title?: unknown }
    return typeof title === 'string' ? title : undefined
  } catch {
    return undefined
  }
}

/** What another service may answer with 200 is no explanation. */
function explanationIn(text: string): Explanation | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  const read = readExactJson(text) as Partial<Explanation>
  return typeof read.verdict === 'string' && Array.isArray(read.checks) ? (read as Explanation) : undefined
}

function refusalText(status: number, text: string, at: string): string {
  if (status === 404) return `what answers at ${at} explains nothing (404): no gateway, or an older one`
  const hint = status === 401 ? ' (--admin-token, or TOLLGATE_ADMIN_TOKEN)' : ''
  return `the gateway at ${at} does not tell: ${status} ${titleIn(text) ?? ''}`.trimEnd() + hint
}

/** Never rejects. The token of the request goes to nobody but that listener. */
export async function askRunning({ url, token }: AdminAccess, { request, atMs }: ExplainQuestion): Promise<Told> {
  if (url === undefined) return { why: 'admin.port is 0, so nobody knows where a gateway would listen (--admin)' }
  const at = new URL(url).host
  if (token === undefined || token === '')
    return { why: `the gateway at ${at} was not asked, as admin.token is not set` }
  try {
    const response = await fetch(new URL('/api/explain', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ ...request, ...(atMs === undefined ? {} : { at: atMs / 1000 }) }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    if (!response.ok) return { why: refusalText(response.status, text, at) }
    const explanation = explanationIn(text)
    return explanation === undefined ? { why: refusalText(404, text, at) } : { explanation, at }
  } catch {
    return { why: `no gateway answers at ${at}` }
  }
}
