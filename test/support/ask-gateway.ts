// Asks a gateway over a socket, and tells in one line what became of it: for tables of cases.
import { startUpstream } from './recording-upstream.ts'
import { codeOf, sendRaw, statusOf } from './raw-http.ts'
import { startTestGateway, type Teardown } from './test-gateway.ts'
import { hmacIssuer } from './tokens.ts'

/** A route for anybody, and one for tokens. */
export const open = (path: string, more: Record<string, unknown> = {}) => ({
  path,
  upstream: 'up',
  auth: 'none',
  ...more,
})
export const closed = (path: string, more: Record<string, unknown> = {}) => ({ path, upstream: 'up', ...more })

/** A gateway that can be asked in one line. */
export async function startAskable(t: Teardown, routes: readonly unknown[], more: Record<string, unknown> = {}) {
  const upstream = await startUpstream(t)
  const gateway = await startTestGateway(t, {
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: [upstream.url] } },
    routes,
    ...more,
  })
  /** What the upstream got; or the gateway's own answer, as `400 path_unsafe`. */
  async function ask(target: string, { method = 'GET', host = 'a', headers = '' } = {}): Promise<string> {
    const before = upstream.requests.length
    const answer = await sendRaw(
      gateway.port,
      Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`, 'latin1'),
      1000,
    )
    if (upstream.requests.length > before) return upstream.requests.at(-1)?.url ?? ''
    return `${statusOf(answer)} ${codeOf(answer) ?? ''}`.trim()
  }
  return { upstream, ask, ...gateway }
}
