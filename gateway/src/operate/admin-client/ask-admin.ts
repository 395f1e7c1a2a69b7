// Sends a request to the admin listener of the running gateway; returns its response, or the reason why there is none.
import type { AdminAccess } from './admin-access.ts'

export interface AdminQuestion<Answer> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
  /** Reads the response body. Undefined when it is not the expected document: other services respond with 200, too. */
  readonly read: (text: string) => Answer | undefined
  /** For the error message: what a listener without this path cannot do, such as `explains nothing`. */
  readonly lacking: string
  /** Statuses besides 2xx whose body is read. */
  readonly accept?: readonly number[]
  /** Milliseconds. Default 25 s, which is longer than the gateway waits for any of its workers. */
  readonly withinMs?: number
}

/** `at`: host and port of the listener that responded. */
export type AdminAnswer<Answer> = { readonly answer: Answer; readonly at: string } | { readonly why: string }

const TIMEOUT_MS = 25_000

function titleIn(text: string): string | undefined {
  try {
    const { title } = JSON.parse(text) as { title?: unknown }
    return typeof title === 'string' ? title : undefined
  } catch {
    return undefined
  }
}

function refusalText(status: number, text: string, at: string, lacking: string): string {
  if (status === 404) return `what answers at ${at} ${lacking} (404): no gateway, or an older one`
  const hint = status === 401 ? ' (--admin-token, or TOLLGATE_ADMIN_TOKEN)' : ''
  return `the gateway at ${at} does not tell: ${status} ${titleIn(text) ?? ''}`.trimEnd() + hint
}

/** Sends the request to the admin listener alone. Never rejects. */
export async function askAdmin<Answer>(
  { url, token }: AdminAccess,
  { method, path, body, read, lacking, accept = [], withinMs = TIMEOUT_MS }: AdminQuestion<Answer>,
): Promise<AdminAnswer<Answer>> {
  if (url === undefined) return { why: 'admin.port is 0, so nobody knows where a gateway would listen (--admin)' }
  const at = new URL(url).host
  if (token === undefined || token === '')
    return { why: `the gateway at ${at} was not asked, as admin.token is not set` }
  try {
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(withinMs),
    })
    const text = await response.text()
    if (!response.ok && !accept.includes(response.status))
      return { why: refusalText(response.status, text, at, lacking) }
    const answer = read(text)
    return answer !== undefined ? { answer, at } : { why: refusalText(404, text, at, lacking) }
  } catch {
    return { why: `no gateway answers at ${at}` }
  }
}
