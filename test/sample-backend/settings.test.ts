// The environment of the process.
import t from 'tap'

import { parseDurationMs } from '../../sample-backend/src/duration.ts'
import { readSettings } from '../../sample-backend/src/settings.ts'
import { StartupError } from '../../sample-backend/src/startup-error.ts'

t.test('nothing needs to be set', (t) => {
  const { keysDirectory, usersFile, ...rest } = readSettings({})
  t.same(rest, {
    host: '127.0.0.1',
    port: 3001,
    issuer: 'http://127.0.0.1:3001',
    audience: 'sample-api',
    gatewayUrl: 'http://127.0.0.1:8080',
    tokenLifetimeMs: 120_000,
    trustedProxies: ['127.0.0.0/8', '::1'],
  })
  t.match(keysDirectory, /\/data\/sample-backend\/$/)
  t.match(usersFile, /\/sample-backend\/users\.yaml$/)
  t.end()
})

t.test('an empty variable counts as unset', (t) => {
  t.same(readSettings({ SAMPLE_PORT: '', SAMPLE_AUDIENCE: '', SAMPLE_TOKEN_LIFETIME: '' }), readSettings({}))
  t.end()
})

t.test('every variable is used', (t) => {
  const settings = readSettings({
    SAMPLE_HOST: '0.0.0.0',
    SAMPLE_PORT: '4000',
    SAMPLE_ISSUER: 'https://login.example/',
    SAMPLE_AUDIENCE: 'things',
    SAMPLE_GATEWAY_URL: 'https://api.example/',
    SAMPLE_TOKEN_LIFETIME: '1d',
    SAMPLE_KEYS_DIRECTORY: '/keys',
    SAMPLE_USERS_FILE: '/users.yaml',
    SAMPLE_TRUSTED_PROXIES: '10.0.0.0/8 , fd00::/8',
  })
  t.same(settings, {
    host: '0.0.0.0',
    port: 4000,
    issuer: 'https://login.example/',
    audience: 'things',
    gatewayUrl: 'https://api.example',
    tokenLifetimeMs: 86_400_000,
    keysDirectory: '/keys',
    usersFile: '/users.yaml',
    trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
  })
  t.end()
})

t.test('the issuer follows the port', (t) => {
  t.equal(readSettings({ SAMPLE_PORT: '4000' }).issuer, 'http://127.0.0.1:4000')
  t.end()
})

t.test('a value that cannot be used is refused by the name of its variable', (t) => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['SAMPLE_PORT', 'http'],
    ['SAMPLE_PORT', '-1'],
    ['SAMPLE_PORT', '65536'],
    ['SAMPLE_PORT', '80.5'],
    ['SAMPLE_ISSUER', 'login.example'],
    ['SAMPLE_ISSUER', 'http://'],
    ['SAMPLE_GATEWAY_URL', 'ftp://127.0.0.1'],
    ['SAMPLE_TOKEN_LIFETIME', '15'],
    ['SAMPLE_TOKEN_LIFETIME', '15 minutes'],
    ['SAMPLE_TOKEN_LIFETIME', '999ms'],
    ['SAMPLE_TOKEN_LIFETIME', '0s'],
  ]
  for (const [name, value] of cases) {
    const expected = { name: 'StartupError', message: new RegExp(`^${name}: "${value}" is not `) }
    t.throws(() => readSettings({ [name]: value }), expected, `${name}=${value}`)
    t.throws(() => readSettings({ [name]: value }), StartupError)
  }
  t.end()
})

t.test('durations are whole numbers with a unit', (t) => {
  const cases: ReadonlyArray<readonly [string, number | undefined]> = [
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['12h', 43_200_000],
    ['1d', 86_400_000],
    ['1.5h', undefined],
    ['-1s', undefined],
    ['1w', undefined],
    ['1 s', undefined],
    ['1s ', undefined],
    ['s', undefined],
    ['', undefined],
    ['1000000000000d', undefined],
  ]
  for (const [text, expected] of cases) t.equal(parseDurationMs(text), expected, `"${text}"`)
  t.end()
})
