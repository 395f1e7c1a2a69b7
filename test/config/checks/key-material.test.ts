// Every option that names a file, with every kind of broken file: told at its option, by check and run alike, without a stack.
import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { makeCertificate } from '../../support/certificates.ts'
import { runCli } from '../../support/run-cli.ts'

const pem = (key: { export(options: object): unknown }, type: string) => key.export({ type, format: 'pem' }) as string
const pair = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const p256 = pair('P-256')
const p384 = pair('P-384')
const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 })
const made = makeCertificate(t.testdir(), 'server.example.com')
const certificate = readFileSync(made.cert, 'utf8')
const certificateKey = readFileSync(made.key, 'utf8')
const spki = pem(p256.publicKey, 'spki')
const pkcs8 = pem(p256.privateKey, 'pkcs8')
const jwks = (...keys: object[]) => JSON.stringify({ keys })
const publicJwk = p256.publicKey.export({ format: 'jwk' })
const cut = (text: string) => text.slice(0, Math.floor(text.length / 2))

const JUNK = {
  empty: '',
  blank: ' \n\n',
  binary: Buffer.from([0x30, 0x82, 0x01, 0x22, 0, 1, 2, 3]),
  words: 'this is no key\n',
  json: '{"a": 1}',
  'broken json': '{"keys": [\n{"kty": ',
  'an unknown label': '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
  'a certificate cut': cut(certificate),
  'a public key cut': cut(spki),
  'a private key cut': cut(pkcs8),
  'PEM with another body': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
}
type Content = string | Buffer

const ISSUER = 'name: a, issuer: "https://i.example.com", audiences: [a], algorithms: [ES256]'
const REMOTE = 'jwksUrl: "https://i.example.com/jwks"'
const TAIL = '\nroutes: [{ path: /, upstream: up, auth: none }, { path: /a, upstream: up }]\n'
const UP = 'upstreams: { up: { targets: ["http://127.0.0.1:1"] } }'
const withIssuer = (keys: string, more = '') => `issuers: [{ ${ISSUER}, keys: { ${keys} }${more} }]\n${UP}${TAIL}`
const renewal = (keys: string) => withIssuer(REMOTE, `, renewal: { window: 1m, lifetime: 5m, maxSession: 8h, ${keys} }`)
const upstreamTls = (tls: string) =>
  `issuers: [{ ${ISSUER}, keys: { ${REMOTE} } }]\nupstreams: { up: { targets: ["https://127.0.0.1:1"], tls: { ${tls} } } }${TAIL}`

interface FileOption {
  readonly path: string
  /** The file is named `it.pem`; `cert.pem`, `cert.key` and `own.pem` are right. */
  readonly config: string
  readonly right: Content
  readonly wrong: Readonly<Record<string, Content>>
}
const noPublicKey = {
  'PKCS#8 where SPKI belongs': pkcs8,
  'another curve': pem(p384.publicKey, 'spki'),
  '1024 bit': pem(rsa1024.publicKey, 'spki'),
}
const noPrivateKey = {
  'SPKI where PKCS#8 belongs': spki,
  'another curve': pem(p384.privateKey, 'pkcs8'),
  '1024 bit': pem(rsa1024.privateKey, 'pkcs8'),
}
const noCertificate = { 'a key': pkcs8, 'a right one and a damaged one': certificate + JUNK['PEM with another body'] }
const OPTIONS: readonly FileOption[] = [
  { path: 'issuers[0].keys.pemFile', config: withIssuer('pemFile: it.pem'), right: spki, wrong: noPublicKey },
  {
    path: 'issuers[0].keys.jwksFile',
    config: withIssuer('jwksFile: it.pem'),
    right: jwks(publicJwk),
    wrong: {
      'a private JWK': jwks(p256.privateKey.export({ format: 'jwk' })),
      'a private key in PEM beside its kid': JSON.stringify({ k: pkcs8 }),
      'no keys': jwks(),
      'another curve': jwks(p384.publicKey.export({ format: 'jwk' })),
      'keys that are none': '{"keys": [1, null, {"kty": "EC"}]}',
      'a PEM file': spki,
    },
  },
  { path: 'issuers[0].keys.ca', config: withIssuer(`${REMOTE}, ca: it.pem`), right: certificate, wrong: noCertificate },
  {
    path: 'issuers[0].renewal.signingKey.pemFile',
    config: renewal('signingKey: { alg: ES256, pemFile: it.pem }'),
    right: pkcs8,
    wrong: noPrivateKey,
  },
  {
    path: 'issuers[0].renewal.verificationKeys[0].pemFile',
    config: renewal(
      'signingKey: { alg: ES256, pemFile: own.pem }, verificationKeys: [{ alg: ES256, pemFile: it.pem }]',
    ),
    right: pem(pair('P-256').publicKey, 'spki'),
    wrong: { 'another curve': pem(p384.publicKey, 'spki'), '1024 bit': pem(rsa1024.publicKey, 'spki') },
  },
  {
    path: 'listen.tls.cert',
    config: `listen: { tls: { cert: it.pem, key: cert.key } }\n${withIssuer(REMOTE)}`,
    right: certificate,
    wrong: noCertificate,
  },
  {
    path: 'listen.tls.key',
    config: `listen: { tls: { cert: cert.pem, key: it.pem } }\n${withIssuer(REMOTE)}`,
    right: certificateKey,
    wrong: { 'another key': pkcs8, 'a public key': spki, 'a certificate': certificate },
  },
  { path: 'upstreams.up.tls.ca', config: upstreamTls('ca: it.pem'), right: certificate, wrong: noCertificate },
  {
    path: 'upstreams.up.tls.cert',
    config: upstreamTls('cert: it.pem, key: cert.key'),
    right: certificate,
    wrong: noCertificate,
  },
  {
    path: 'upstreams.up.tls.key',
    config: upstreamTls('cert: cert.pem, key: it.pem'),
    right: certificateKey,
    wrong: { 'another key': pkcs8 },
  },
  {
    path: 'revocation.store.ca',
    config: `revocation: { store: { redis: "rediss://127.0.0.1", ca: it.pem } }\n${withIssuer(REMOTE)}`,
    right: certificate,
    wrong: noCertificate,
  },
]

function write(directory: string, { config }: FileOption, content: Content): string {
  const file = join(directory, 'c.yaml')
  writeFileSync(join(directory, 'it.pem'), content)
  for (const [name, text] of Object.entries({ 'cert.pem': certificate, 'cert.key': certificateKey, 'own.pem': pkcs8 }))
    writeFileSync(join(directory, name), text)
  writeFileSync(file, config)
  return file
}

for (const option of OPTIONS) {
  t.test(
    `${option.path}: a right file is right, and each broken one is told at its place by check and run`,
    async (t) => {
      const directory = t.testdir()
      const right = await runCli('check', '--no-lookup', '-c', write(directory, option, option.right))
      t.match(right, { code: 0 }, right.err)
      for (const [kind, content] of Object.entries({ ...JUNK, ...option.wrong })) {
        const file = write(directory, option, content)
        const [line, column] = placeOf(option.config)
        const checked = await runCli('check', '--no-lookup', '-c', file)
        t.equal(checked.code, 1, kind)
        t.ok(checked.err.startsWith(`${file}:${line}:${column} error: ${option.path}: `), `${kind}: ${checked.err}`)
        t.match(checked.err, /error: [^\n]*"it\.pem"/, `${kind}: the file is named`)
        t.match(checked.err, /c\.yaml has 1 error; nothing was started/, kind)
        t.notMatch(checked.err, /\n +at |Error:|node:/, `${kind}: no stack`)
        t.same(await runCli('run', '-c', file), checked, `${kind}: run says the same`)
        const { out } = await runCli('check', '--no-lookup', '--json', '-c', file)
        t.match(JSON.parse(out), { ok: false, errors: [{ file, line, column, path: option.path }] }, kind)
      }
    },
  )
}

/** Of the name of the file in the config, from 1. */
function placeOf(config: string): readonly [number, number] {
  const before = config.slice(0, config.indexOf('it.pem')).split('\n')
  return [before.length, (before.at(-1)?.length ?? 0) + 1]
}

t.test('a method that nobody can send is a wrong call of explain, and 32 hosts on a path are right', async (t) => {
  const hosts = Array.from(
    { length: 32 },
    (_, index) => `{ path: /h, upstream: up, auth: none, hosts: [h${index}.a.b] }`,
  )
  const directory = t.testdir({ 'c.yaml': withIssuer(REMOTE).replace('routes: [', `routes: [${hosts.join(', ')}, `) })
  const file = join(directory, 'c.yaml')
  t.match(await runCli('check', '--no-lookup', '-c', file), { code: 0 })
  t.match(await runCli('explain', '-c', file, 'GET', 'http://h31.a.b/h'), { code: 0 })
  for (const method of ['FOO', 'G T', '', 'GTE'])
    t.match(
      await runCli('explain', '-c', file, method, '/h'),
      { code: 2, err: /^no request can have the method/ },
      method,
    )
})
