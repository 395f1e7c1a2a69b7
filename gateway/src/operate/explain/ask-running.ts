// Asks the running gateway, through its admin listener, to explain a request.
import type { ExplainQuestion } from './explained-request.ts'
import type { Explanation } from './explanation.ts'
import type { AdminAccess } from '../admin-client/admin-access.ts'
import { askAdmin } from '../admin-client/ask-admin.ts'
import { readExactJson } from '../../message/json/exact-json.ts'

/** The explanation with the digest of the running config; or the reason why there is none. */
export type Told =
  | { readonly explanation: Explanation & { readonly configDigest?: string }; readonly at: string }
  | { readonly why: string }

/** Undefined for the 200 response of another service, which is no explanation. */
function explanationIn(text: string): Explanation | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  const read = readExactJson(text) as Partial<Explanation>
  return typeof read.verdict === 'string' && Array.isArray(read.checks) ? (read as Explanation) : undefined
}

/** Sends the token of the request to the admin listener alone. Never rejects. */
export async function askRunning(access: AdminAccess, { request, atMs }: ExplainQuestion): Promise<Told> {
  const told = await askAdmin(access, {
    method: 'POST',
    path: '/api/explain',
    body: { ...request, ...(atMs === undefined ? {} : { at: atMs / 1000 }) },
    read: explanationIn,
    lacking: 'explains nothing',
  })
  return 'why' in told ? told : { explanation: told.answer, at: told.at }
}
