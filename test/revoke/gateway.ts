// A whole gateway with its admin listener, for the tests of revocation.

import { startGateway } from '../../gateway/src/operate/process/main.ts'
import { createLog } from '../../gateway/src/observe/log.ts'
import { testConfig, type Teardown } from '../support/test-gateway.ts'
import { hmacIssuer } from '../support/tokens.ts'

export const ADMIN_TOKEN = 'correct-horse-battery-staple'

export interface GatewayUnderTest {
  readonly url: string
  readonly adminUrl: string
  readonly lines: Record<string, unknown>[]
  /** Status and `x-tollgate` of a call with this token: `200`, `401 token_revoked`. */
  call(token: string, path?: string): Promise<string>
  /** A call of the admin API with the admin token. */
  admin(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: AdminBody }>
  close(): Promise<void>
}

export interface AdminBody {
  readonly entries: readonly {
    readonly id: string
    readonly kind: string
    readonly value: string
    readonly until: number
    readonly issuedBefore?: number
  }[]
  readonly stored?: boolean
  readonly total?: number
  readonly next?: string | null
  readonly code?: string
  readonly title?: string
}

export async function startWithAdmin(
  t: Teardown,
  target: string,
  options: Record<string, unknown> = {},
): Promise<GatewayUnderTest> {
  const lines: Record<string, unknown>[] = []
  const log = createLog(
    { level: 'info' },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const config = testConfig({
    listen: { port: 0 },
    admin: { port: 0, token: ADMIN_TOKEN },
    log: { access: 'off' },
    issuers: [hmacIssuer(), hmacIssuer({ name: 'other', issuer: 'https://other.example.com/' })],
    upstreams: { up: { targets: [target] } },
    routes: [
      { path: '/*', upstream: 'up' },
      { path: '/ws', upstream: 'up', websocket: true },
      { path: '/logout', action: 'revoke', methods: ['POST'] },
    ],
    ...options,
  })
  const { url, adminUrl, gateway, close } = await startGateway(config, log)
  let closed: Promise<void> | undefined
  const closeOnce = () => {
    void gateway.listeners.cut()
    return (closed ??= close())
  }
  t.teardown(closeOnce)
  return {
    url,
    adminUrl,
    lines,
    close: closeOnce,
    async call(token, path = '/x') {
      const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
      await response.arrayBuffer()
      const code = response.headers.get('x-tollgate')
      return code === null ? String(response.status) : `${response.status} ${code}`
    },
    async admin(method, path, body) {
      const isLines = typeof body === 'string'
      const response = await fetch(`${adminUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${ADMIN_TOKEN}`,
          ...(body === undefined ? {} : { 'content-type': isLines ? 'application/x-ndjson' : 'application/json' }),
        },
        ...(body === undefined ? {} : { body: isLines ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as AdminBody }
    },
  }
}
