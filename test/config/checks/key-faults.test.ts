// Faults of keys, certificates and headers in files: the way out, the dates, and what is no file at all.
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { loadConfig } from '../../../gateway/src/config/load.ts'
import { makeCertificate } from '../../support/certificates.ts'

const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const spki = (key: { export(options: object): unknown }) => key.export({ type: 'spki', format: 'pem' }) as string
const made = makeCertificate(t.testdir(), 'server.example.com')
const certificate = readFileSync(made.cert, 'utf8')
const certificateKey = readFileSync(made.key, 'utf8')

const REMOTE = 'jwksUrl: "https://i.example.com/jwks"'
const REST =
  'upstreams: { up: { targets: ["http://127.0.0.1:1"] } }\nroutes: [{ path: /, upstream: up, auth: none }, { path: /a, upstream: up }]\n'
const withIssuer = (keys: string) =>
  `issuers: [{ name: a, issuer: "https://i.example.com", audiences: [a], algorithms: [ES256], keys: { ${keys} } }]\n${REST}`

const load = (directory: string, config: string, now = Date.now()) => {
  writeFileSync(join(directory, 'c.yaml'), config)
  return loadConfig(join(directory, 'c.yaml'), { env: {}, now: () => now })
}
const hmac = (secret: string, more = '') =>
  `issuers: [{ name: a, issuer: i, audiences: [a], algorithms: [HS256], keys: { secret: { ${secret} } }${more} }]\n${REST}`

t.test('weak keys say the way out, and are warnings once it is gone', (t) => {
  const directory = t.testdir({ 'it.pem': spki(rsa1024.publicKey) })
  const weak = withIssuer('pemFile: it.pem').replace('ES256', 'RS256')
  t.match(load(directory, weak), {
    errors: [{ path: 'issuers[0].keys.pemFile', message: /1024 bits, 2048 are needed/, hint: /weakKeys: warn/ }],
  })
  t.match(load(directory, weak.replace('keys:', 'weakKeys: warn, keys:')), {
    ok: true,
    warnings: [{ path: 'issuers[0].keys.pemFile', message: /1024 bits/ }],
  })
  t.match(load(directory, hmac('value: short')), {
    errors: [{ path: 'issuers[0].keys.secret.value', message: /5 bytes, HS256 needs 32/, hint: /weakKeys: warn/ }],
  })
  t.match(load(directory, hmac('value: short', ', weakKeys: warn')), { ok: true, warnings: [{ message: /5 bytes/ }] })
  const spelt = load(directory, hmac('value: "a secret with blanks in it, quite long", encoding: base64url'))
  t.match(spelt, { errors: [{ path: 'issuers[0].keys.secret.value', message: /not base64url/ }] })
  t.end()
})

t.test('a key of another kind is told with the algorithms that it serves', (t) => {
  const directory = t.testdir({ 'it.pem': spki(p384.publicKey) })
  t.match(load(directory, withIssuer('pemFile: it.pem')), {
    errors: [
      { message: '"it.pem": its key (EC, secp384r1) fits none of the algorithms ES256', hint: 'it serves ES384' },
    ],
  })
  t.end()
})

t.test('certificates out of date are warnings, with the date', (t) => {
  const directory = t.testdir({ 'it.pem': certificate, 'cert.key': certificateKey })
  const config = `listen: { tls: { cert: it.pem, key: cert.key } }\n${withIssuer(REMOTE)}`
  const day = 86_400_000
  const told = (now: number) => {
    const loaded = load(directory, config, now)
    return loaded.ok ? loaded.warnings.map(({ path, message }) => `${path}: ${message}`) : loaded.errors
  }
  t.same(told(Date.now()), [])
  t.match(told(Date.now() + 3 * day), [
    /^listen\.tls\.cert: "it\.pem": .*CN=server\.example\.com has expired on \d{4}-/,
  ])
  t.match(told(Date.now() - 3 * day), [/^listen\.tls\.cert: .* is not valid before \d{4}-/])
  t.end()
})

t.test('faults of keys are told together with all others', (t) => {
  const directory = t.testdir({ 'it.pem': 'junk' })
  const config = `listen: { port: x, tls: { cert: it.pem, key: it.pem } }\n${withIssuer('pemFile: it.pem')}`
  const loaded = load(directory, config)
  t.same(loaded.ok ? [] : loaded.errors.map(({ path }) => path), [
    'listen.port',
    'listen.tls.cert',
    'listen.tls.key',
    'issuers[0].keys.pemFile',
  ])
  t.end()
})

t.test('what is no file is not opened: a pipe would never end, a device neither', (t) => {
  const directory = t.testdir()
  execFileSync('/usr/bin/mkfifo', [join(directory, 'pipe')])
  for (const name of ['pipe', '/dev/zero']) {
    t.match(load(directory, withIssuer('pemFile: it.pem').replace('it.pem', name)), {
      errors: [{ path: 'issuers[0].keys.pemFile', message: 'this is a pipe or a device, and no file' }],
    })
  }
  writeFileSync(join(directory, 'large'), Buffer.alloc(1024 * 1024 + 1))
  t.match(load(directory, withIssuer('pemFile: large')), {
    errors: [{ message: /has 1048577 bytes, at most 1048576/ }],
  })
  t.end()
})

t.test('a header from a file that no request can carry is told before the fetch', (t) => {
  for (const [content, message] of [
    ['', /is empty/],
    [' \n', /is empty/],
    ['a\nb', /characters that no header can hold/],
    [Buffer.from([0, 1]), /characters that no header can hold/],
  ] as const) {
    const directory = t.testdir({ token: content })
    t.match(load(directory, withIssuer(`${REMOTE}, headers: { authorization: { file: token } }`)), {
      errors: [{ path: 'issuers[0].keys.headers.authorization.file', message }],
    })
  }
  t.end()
})
