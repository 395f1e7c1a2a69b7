// Puts the real gateway, with the sample config of `npm start`, in front of a sample backend.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { pino } from 'pino'
import type { Test } from 'tap'

import { loadConfig } from '../../gateway/src/config/load.ts'
import { startGateway } from '../../gateway/src/operate/process/main.ts'
import { buildForTest, listen } from './sample-server.ts'
import { freePort } from '../../bench/harness/free-port.ts'

/** The URLs at which a browser finds the page: through the gateway, and past it. */
export interface Pair {
  readonly gatewayUrl: string
  readonly backendUrl: string
}

const SAMPLE = readFileSync(new URL('../../config/gateway.yaml', import.meta.url), 'utf8')

export async function startPair(t: Test, options: { readonly tokenLifetimeMs?: number } = {}): Promise<Pair> {
  // The backend tells the page where the gateway is, so the port must be known before the gateway starts.
  const port = await freePort()
  const gatewayUrl = `http://127.0.0.1:${port}`
  const backendUrl = await listen(await buildForTest(t, { ...options, gatewayUrl, keysDirectory: t.testdir({}) }))
  const file = join(t.testdir({}), 'gateway.yaml')
  const config = SAMPLE.replace('port: 8080', `port: ${port}`)
    .replace('port: 9901', 'port: 0')
    .replace('jwksUrl: http://127.0.0.1:3001', `jwksUrl: ${backendUrl}`)
    .replace('endpoint: http://127.0.0.1:3001', `endpoint: ${backendUrl}`)
    .replace('targets: [http://127.0.0.1:3001]', `targets: ['${backendUrl}']`)
  writeFileSync(file, config.replace('level: ../data/revoked', 'level: ./revoked'))
  const loaded = loadConfig(file, { env: {} })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  const { gateway, close } = await startGateway(loaded.config, pino({ level: 'silent' }))
  t.teardown(() => {
    gateway.app.server.closeAllConnections()
    return close()
  })
  await gateway.loadKeys()
  return { gatewayUrl, backendUrl }
}
