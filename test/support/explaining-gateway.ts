// A gateway as a process of its own that is asked to explain requests, and an issuer whose keys the test sets.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'

import { start, temporaryDirectory, type Started } from './gateway-process.ts'
import { runCli } from './run-cli.ts'
import { SECRET, type Signer } from './tokens.ts'

export const ADMIN_TOKEN = 'an-admin-token-of-more-than-32-characters'

export function configText(upstream: string, issuers: string, more = ''): string {
  return `
listen: { port: 0 }
admin: { port: 0, token: "${ADMIN_TOKEN}" }
issuers: ${issuers}
upstreams: { up: { targets: ['${upstream}'] } }
routes: [{ path: '/api/*', upstream: up }, { path: /logout, action: revoke }]
${more}`
}

export const HMAC = `[{ name: main, algorithms: [HS256], keys: { secret: { value: "${SECRET}" } } }]`

export interface Running extends Started {
  readonly file: string
  explain(token: string, ...more: string[]): ReturnType<typeof runCli>
}

export async function startWith(t: Test, text: string): Promise<Running> {
  const gateway = await start(t, text)
  const file = join(temporaryDirectory(t), 'c.yaml')
  writeFileSync(file, text)
  const argv = ['explain', 'GET', '/api/x', '-c', file, '--admin', gateway.adminUrl]
  return { ...gateway, file, explain: (token, ...more) => runCli(...argv, '-t', token, ...more) }
}

export function post(
  { adminUrl }: Started,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${adminUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export async function statusOf({ url }: Started, token: string, path = '/api/x', method = 'GET'): Promise<number> {
  const response = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` } })
  await response.arrayBuffer()
  return response.status
}

/** What is counted of requests, tokens, keys, renewals and revocations; not what the process is made of. */
export async function countsOf({ adminUrl }: Started): Promise<string> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith('tollgate_') && !/_seconds\{|_seconds |age_seconds/.test(line))
    .join('\n')
}

/** An issuer whose answer the test sets: the keys that it publishes, or none at all. */
export async function startIssuer(t: Test, first: Signer) {
  let gate: Promise<void> | undefined
  let arrived = () => undefined
  const held = new Promise<void>((resolve) => (arrived = () => void resolve()))
  const issuer = {
    keys: [first] as readonly Signer[],
    fetches: 0,
    url: '',
    /** From now on nobody is answered, until the returned function is called. */
    hold() {
      let open = () => undefined
      gate = new Promise((resolve) => (open = () => void resolve()))
      return () => open()
    },
    /** Settles when somebody waits. */
    held: () => held,
  }
  const server = createServer((_request, response) => {
    issuer.fetches += 1
    if (gate !== undefined) arrived()
    const answer = () => {
      response.statusCode = issuer.keys.length === 0 ? 500 : 200
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) }))
    }
    if (gate === undefined) answer()
    else void gate.then(answer)
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  return issuer
}
