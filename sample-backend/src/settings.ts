// The environment variables of the process, checked and with their defaults.
import { fileURLToPath } from 'node:url'

import { parseDurationMs } from './duration.ts'
import { StartupError } from './startup-error.ts'

export interface Settings {
  readonly host: string
  readonly port: number
  readonly issuer: string
  readonly audience: string
  readonly gatewayUrl: string
  readonly tokenLifetimeMs: number
  readonly keysDirectory: string
  readonly usersFile: string
  readonly trustedProxies: readonly string[]
}

const inRepository = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Throws a StartupError that names the variable. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  // An empty variable counts as unset: that is what Compose makes of one that nobody has set.
  const read = (name: string, fallback: string): string => env[name] || fallback
  const refuse = (name: string, expected: string): never => {
    throw new StartupError(`${name}: "${env[name]}" is not ${expected}`)
  }

  const readPort = (name: string, fallback: string): number => {
    const port = Number(read(name, fallback))
    return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : refuse(name, 'a port number')
  }
  // The text is kept as it is: `iss` must equal it character for character, and URL would add a slash.
  const readUrl = (name: string, fallback: string): string => {
    const text = read(name, fallback)
    return /^https?:\/\//.test(text) && URL.canParse(text) ? text : refuse(name, 'an http or https URL')
  }
  const readLifetimeMs = (name: string, fallback: string): number => {
    const lifetimeMs = parseDurationMs(read(name, fallback)) ?? 0
    // `exp` counts whole seconds.
    return lifetimeMs >= 1000 ? lifetimeMs : refuse(name, 'a duration of a second or more, such as 15m or 1d')
  }

  const port = readPort('SAMPLE_PORT', '3001')
  return {
    host: read('SAMPLE_HOST', '127.0.0.1'),
    port,
    issuer: readUrl('SAMPLE_ISSUER', `http://127.0.0.1:${port}`),
    audience: read('SAMPLE_AUDIENCE', 'sample-api'),
    gatewayUrl: new URL(readUrl('SAMPLE_GATEWAY_URL', 'http://127.0.0.1:8080')).origin,
    tokenLifetimeMs: readLifetimeMs('SAMPLE_TOKEN_LIFETIME', '2m'),
    keysDirectory: read('SAMPLE_KEYS_DIRECTORY', inRepository('data/sample-backend/')),
    usersFile: read('SAMPLE_USERS_FILE', inRepository('sample-backend/users.yaml')),
    trustedProxies: read('SAMPLE_TRUSTED_PROXIES', '127.0.0.0/8,::1').split(/\s*,\s*/),
  }
}
