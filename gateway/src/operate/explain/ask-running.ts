// Asks the gateway that runs, over its admin listener, what would happen to a request.
import type { ExplainQuestion } from './explained-request.ts'
import type { Explanation } from './explanation.ts'
import type { AdminAccess } from '../admin-client/admin-access.ts'
import { askAdmin } from '../admin-client/ask-admin.ts'
import { readExactJson } from '../../message/json/exact-json.ts'

/** What it told, with a digest of its config; or why it did not. */
export type Told =
  | { readonly explanation: Explanation & { readonly configDigest?: string }; readonly at: string }
  | { readonly why: string }

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

/** Never rejects. The token of the request goes to nobody but that listener. */
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
