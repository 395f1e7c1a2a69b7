// A gateway on free ports for one test: the real stages and sockets, with the clock in the test's hand.
import { Value } from 'typebox/value'

import { systemClock, type Clock } from '../../gateway/src/clock.ts'
import { ConfigOptions, type Config } from '../../gateway/src/options/config.ts'
import type { KeyRequest } from '../../gateway/src/authenticate/keys/key-request.ts'
import type { FetchedDocument } from '../../gateway/src/authenticate/keys/remote-keys.ts'
import { createFetchJson } from '../../gateway/src/operate/issuer-client/fetch-json.ts'
import { createLog } from '../../gateway/src/observe/log.ts'
import type { AskIssuer } from '../../gateway/src/renew/endpoint.ts'
import { buildServer } from '../../gateway/src/gateway/gateway.ts'
import type { Gateway, ServerParts } from '../../gateway/src/gateway/running.ts'

export interface Teardown {
  teardown(run: () => unknown): void
}

export interface TestGateway {
  readonly gateway: Gateway
  readonly url: string
  readonly port: number
  /** All log lines so far, parsed. */
  readonly lines: Record<string, unknown>[]
}

export interface TestGatewayParts {
  readonly askIssuer?: AskIssuer
  readonly clock?: Clock
  readonly fetchJson?: (url: string, request: KeyRequest) => Promise<FetchedDocument>
  readonly random?: () => number
  readonly storeOf?: ServerParts['storeOf']
  readonly schedule?: (delayMs: number, run: () => void) => () => void
}

function isElsewhere(listener: object): boolean {
  return 'unix' in listener || 'systemd' in listener
}

/** A config as YAML would give it, with its defaults filled in. */
export function testConfig(options: Record<string, unknown>): Config {
  // `TOLLGATE_TEST_PARSER=node` runs a test without the fast lane.
  const parser = process.env['TOLLGATE_TEST_PARSER'] ?? 'auto'
  const listener = (given: object) => ({
    ...('port' in given || isElsewhere(given) ? {} : { port: 0 }),
    parser,
    ...given,
  })
  const given = (options['listen'] ?? {}) as object | readonly object[]
  const listen = Array.isArray(given) ? given.map(listener) : listener(given)
  const filled = Value.Default(ConfigOptions, { log: { level: 'debug' }, ...options, listen })
  const [problem] = Value.Errors(ConfigOptions, filled)
  if (problem !== undefined) throw new Error(`the test's config is wrong: ${problem.instancePath} ${problem.message}`)
  return Value.Decode(ConfigOptions, filled)
}

export async function startTestGateway(
  t: Teardown,
  options: Record<string, unknown>,
  parts: TestGatewayParts = {},
): Promise<TestGateway> {
  const lines: Record<string, unknown>[] = []
  const log = createLog(
    { level: 'debug' },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const { fetchJson, close } = createFetchJson()
  const gateway = buildServer(testConfig(options), { log, version: 'test', fetchJson, clock: systemClock, ...parts })
  await gateway.revocation.start()
  await gateway.listen()
  await gateway.loadKeys()
  t.teardown(async () => {
    void gateway.listeners.cut()
    await gateway.close()
    await close()
  })
  const port = Number(/\d+$/.exec(gateway.listeners.urls[0] ?? '')?.[0])
  return { gateway, url: `http://127.0.0.1:${port}`, port, lines }
}
