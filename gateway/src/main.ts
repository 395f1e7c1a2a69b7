// The process: listens, says where, and ends without losing a request.
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'

import { KeysNotUsable } from './authenticate/key-source.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { buildAdmin } from './operate/admin.ts'
import { createAskIssuer } from './operate/ask-issuer.ts'
import { createFetchJson } from './operate/fetch-json.ts'
import { createLog, standardOutput, type Log } from './operate/log.ts'
import { StoreNotUsable } from './revoke/store.ts'
import { buildServer, type Gateway, type ServerParts } from './server.ts'

/** The gateway cannot start; the message is one line for the operator. */
export class StartFailed extends Error {}

export interface RunningGateway {
  readonly gateway: Gateway
  /** `http://127.0.0.1:8080`, with the port that was really taken. */
  readonly url: string
  readonly adminUrl: string
  close(): Promise<void>
}

const DRAIN_MS = 10_000

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}

async function listen(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
  option: string,
): Promise<AddressInfo> {
  try {
    await app.listen({ host, port })
    return app.server.address() as AddressInfo
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    const reason =
      code === 'EADDRINUSE' ? 'is in use' : code === 'EACCES' ? 'needs more rights' : `cannot be listened on (${code})`
    throw new StartFailed(`port ${port} of ${host} ${reason} (${option}.port)`)
  }
}

function urlOf(scheme: string, { address, family, port }: AddressInfo): string {
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

function build(config: Config, log: Log, parts: Pick<ServerParts, 'fetchJson' | 'askIssuer'>): Gateway {
  try {
    return buildServer(config, { log, version: packageVersion(), ...parts })
  } catch (error) {
    if (error instanceof KeysNotUsable || error instanceof StoreNotUsable) throw new StartFailed(error.message)
    throw error
  }
}

async function startStore({ revocation }: Gateway): Promise<void> {
  try {
    await revocation.start()
  } catch (error) {
    throw error instanceof StoreNotUsable ? new StartFailed(error.message) : error
  }
}

/** Starts the gateway and its admin listener. Keys are fetched meanwhile; `/readyz` tells when they are here. Throws StartFailed. */
export async function startGateway(config: Config, log: Log): Promise<RunningGateway> {
  const { fetchJson, close: closeFetch } = createFetchJson()
  const { askIssuer, close: closeAsking } = createAskIssuer()
  const gateway = build(config, log, { fetchJson, askIssuer })
  let closing = false
  const readiness = () => (closing ? [{ part: 'process', reason: 'shutting down' }] : gateway.readiness())
  const admin = buildAdmin({
    ...gateway,
    readiness,
    version: packageVersion(),
    token: config.admin.token,
    issuers: config.issuers,
    maxEntries: config.revocation.maxEntries,
    clock: systemClock,
    log,
  })

  async function close(): Promise<void> {
    closing = true
    await gateway.close()
    await Promise.all([admin.close(), closeFetch(), closeAsking()])
  }

  try {
    await startStore(gateway)
    const adminAddress = await listen(admin, config.admin, 'admin')
    const address = await listen(gateway.app, config.listen, 'listen')
    void gateway.loadKeys()
    return {
      gateway,
      url: urlOf(config.listen.tls === undefined ? 'http' : 'https', address),
      adminUrl: urlOf('http', adminAddress),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Runs until a signal comes. Requests under way have 10 s to end; a second signal ends the process at once. */
export async function runGateway(config: Config): Promise<void> {
  const output = standardOutput()
  const log = createLog(config.log, output)
  const running = await startGateway(config, log)
  const { url, adminUrl } = running
  log.info({ url, adminUrl, version: packageVersion(), node: process.version }, 'listening')
  const flushing = setInterval(() => {
    output.flushSync()
  }, 1000)
  flushing.unref()

  closeWithGrace({ delay: DRAIN_MS, logger: false }, async ({ signal, err }) => {
    if (err !== undefined) log.fatal({ error: err }, 'the gateway failed')
    else log.info({ signal }, 'shutting down')
    await running.close()
    log.info('stopped')
    output.flushSync()
  })
}
