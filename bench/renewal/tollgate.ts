// Tollgate as one of three machines: the whole gateway, its block list in Redis, renewing ahead.
import { startGateway } from 'tollgate/operate/process/main.js'
import { loadConfig } from 'tollgate/config/load.js'
import { createLog } from 'tollgate/observe/log.js'
import { standardOutput } from 'tollgate/observe/log-output.js'

const loaded = loadConfig(process.argv[2] ?? '', { env: process.env })
if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
const { url, gateway } = await startGateway(loaded.config, createLog(loaded.config.log, standardOutput()))

process.on('message', () => {
  void gateway.metrics.text().then((text) => {
    const signed = Number(/^tollgate_renewals_total\{[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0)
    // Requests wait for no answer of Redis: what goes there is sent behind their backs.
    process.send?.({ signed, redis: 0 })
  })
})
process.send?.({ port: Number(new URL(url).port) })
