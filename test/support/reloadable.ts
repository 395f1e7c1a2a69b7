// A gateway as a process whose config file a test writes anew, with an admin token and what it says in its log.
import { writeFileSync } from 'node:fs'
import { request as httpRequest, type Agent } from 'node:http'
import { join } from 'node:path'

import { eventually } from './eventually.ts'
import { run, temporaryDirectory } from './gateway-process.ts'
import type { Teardown } from './test-gateway.ts'
import { ISSUER, SECRET } from './tokens.ts'

export const ADMIN_TOKEN = 'an-admin-token-that-nobody-guesses'

export interface Line {
  readonly message?: string
  readonly url?: string
  readonly adminUrl?: string
  readonly problems?: readonly string[]
  readonly needsRestart?: readonly string[]
}

interface Targets {
  readonly http: string
  readonly ws: string
}

interface Parts {
  /** More of the first config. */
  readonly first?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Routes `/same/*` and `/ws` are there in every config; those of `write` come and go. All want a token. */
export async function startReloadable(t: Teardown, { http, ws }: Targets, { first = '', env = {} }: Parts = {}) {
  const file = join(temporaryDirectory(t), 'gateway.yaml')
  const text = (routes: readonly string[], more: string) =>
    [
      'listen: { port: 0 }',
      `admin: { port: 0, token: "${ADMIN_TOKEN}" }`,
      `issuers: [{ name: main, issuer: "${ISSUER}", audiences: [api], algorithms: [HS256], keys: { secret: { value: "${SECRET}" } } }]`,
      `upstreams: { http: { targets: ["${http}"] }, ws: { targets: ["${ws}"] } }`,
      more,
      'routes:',
      '  - { path: /same/*, upstream: http }',
      '  - { path: /ws, upstream: ws, websocket: true }',
      ...routes.map((path) => `  - { path: ${path}, upstream: http }`),
    ].join('\n')
  const write = (routes: readonly string[], more = '') => {
    writeFileSync(file, text(routes, more))
  }
  write(['/events'], first)
  const { child, output, errors } = run(t, file, env)
  const lines = () =>
    output()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Line)
  const isStarted = () => lines().some(({ message }) => message === 'listening') || child.exitCode !== null
  await eventually(isStarted, errors(), 60_000)
  const { url = '', adminUrl = '' } = lines().find(({ message }) => message === 'listening') ?? {}
  const admin = (method: string, path: string, body?: object) =>
    fetch(`${adminUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
  const metrics = async () => (await admin('GET', '/metrics')).text()
  return { child, file, write, output, errors, lines, url, adminUrl, admin, metrics, port: Number(new URL(url).port) }
}

export type Reloadable = Awaited<ReturnType<typeof startReloadable>>

/** Resolves to the status, or to why there was none. `agent` false: on a connection of its own. */
export function send(url: string, agent: Agent | false, token: string): Promise<number | string> {
  return new Promise((resolve) => {
    const request = httpRequest(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume().on('end', () => {
        resolve(response.statusCode ?? 0)
      })
      response.on('error', ({ message }) => {
        resolve(message)
      })
    })
    request.on('error', ({ message }) => {
      resolve(message)
    })
    request.end()
  })
}

/** What several requests on connections of their own are answered: they are given to the workers in turn, so that each is asked. */
export async function answersOfAll(url: string, token: string): Promise<readonly (number | string)[]> {
  const seen = new Set<number | string>()
  for (let round = 0; round < 4; round += 1) seen.add(await send(url, false, token))
  return [...seen]
}
