// The gateway as users run it, metrics and all, in a process that tells its port.
import { startGateway } from 'tollgate/main.js'
import { loadConfig } from 'tollgate/load-config.js'
import { createLog, standardOutput } from 'tollgate/operate/log.js'

const loaded = loadConfig(process.argv[2] ?? '', { env: process.env })
if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
const { url } = await startGateway(loaded.config, createLog(loaded.config.log, standardOutput()))
process.send?.({ port: Number(new URL(url).port) })
