// Files that change while the gateway runs (watch: true): keys and the certificate are exchanged, junk changes nothing.
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { join } from 'node:path'

import type { Readiness } from '../../gateway/src/observe/readiness/readiness.ts'
import { makeCertificate } from '../support/certificates.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { requireComponent } from '../support/require-component.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { createSigner, goodClaims, ISSUER, type Signer } from '../support/tokens.ts'

type Test = Parameters<typeof startUpstream>[0]

const isOpensslHere = requireComponent(t, 'openssl', '/usr/bin/openssl')
/** Two looks: one that finds the change, one that finds it settled. */
const SETTLED_MS = 2000

async function start(t: Test, options: Record<string, unknown>) {
  const upstream = await startUpstream(t)
  const clock = createFakeClock()
  const started = await startTestGateway(
    t,
    {
      watch: true,
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
      ...options,
    },
    { schedule: clock.schedule },
  )
  const ask = async (token: string) => {
    const response = await fetch(`${started.url}/`, { headers: { authorization: `Bearer ${token}` } })
    return response.ok ? 'ok' : response.headers.get('x-tollgate')
  }
  return { ...started, clock, ask }
}

const degradedOf = ({ readiness }: { readiness: () => Readiness }) => readiness().degraded

const errorsOf = (lines: readonly Record<string, unknown>[]) =>
  lines
    .filter(({ level }) => level === 'error' || level === 50)
    .map(({ message, reason }) => `${String(message)}: ${String(reason)}`)

t.test(
  'keys of a JWK set in a file: added, exchanged, withdrawn; junk and a missing file change nothing',
  async (t) => {
    const [old, fresh] = [await createSigner('RS256', 'old'), await createSigner('RS256', 'fresh')]
    const file = join(t.testdir({}), 'keys.json')
    const write = (...signers: Signer[]) => {
      writeFileSync(file, JSON.stringify({ keys: signers.map(({ jwk }) => jwk) }))
    }
    write(old)
    const { clock, ask, lines, gateway } = await start(t, {
      issuers: [{ name: 'idp', issuer: ISSUER, algorithms: ['RS256'], keys: { jwksFile: file } }],
    })
    const [ofOld, ofFresh] = [await old.sign(goodClaims()), await fresh.sign(goodClaims())]
    t.same([await ask(ofOld), await ask(ofFresh)], ['ok', 'key_unknown'])
    write(old, fresh)
    await clock.advance(1000)
    t.equal(await ask(ofFresh), 'key_unknown', 'not before it has settled')
    await clock.advance(1000)
    t.same([await ask(ofOld), await ask(ofFresh)], ['ok', 'ok'], 'added')
    for (const junk of ['', '{"keys":', '{"keys":[]}', '{"keys":[{"kty":"RSA"}]}']) {
      writeFileSync(file, junk)
      await clock.advance(SETTLED_MS)
      t.same([await ask(ofOld), await ask(ofFresh)], ['ok', 'ok'], JSON.stringify(junk))
    }
    rmSync(file)
    await clock.advance(SETTLED_MS)
    t.same([await ask(ofOld), await ask(ofFresh)], ['ok', 'ok'], 'the file is away')
    t.equal(errorsOf(lines).length, 5, 'each is told once')
    t.match(degradedOf(gateway), [
      { part: 'keys of issuer idp', reason: /keys\.json cannot be read.*next start would fail/ },
    ])
    t.match(await gateway.metrics.text(), /^tollgate_keys_failing\{issuer="idp"\} 1$/m)
    await clock.advance(10 * SETTLED_MS)
    t.equal(errorsOf(lines).length, 5, 'and not again')
    write(fresh)
    await clock.advance(SETTLED_MS)
    t.same([await ask(ofOld), await ask(ofFresh)], ['key_unknown', 'ok'], 'what is withdrawn dies')
    t.same(degradedOf(gateway), [], 'and all is well again')
  },
)

t.test('a PEM file behind links that are swapped, as Kubernetes does with a ConfigMap', async (t) => {
  const [old, fresh] = [await createSigner('ES256', 'old'), await createSigner('ES256', 'fresh')]
  const home = t.testdir({})
  for (const [name, { pem }] of [
    ['one', old],
    ['two', fresh],
  ] as const) {
    mkdirSync(join(home, name))
    writeFileSync(join(home, name, 'key.pem'), pem)
  }
  symlinkSync('one', join(home, 'data'))
  symlinkSync(join('data', 'key.pem'), join(home, 'key.pem'))
  const { clock, ask } = await start(t, {
    issuers: [{ name: 'idp', issuer: ISSUER, algorithms: ['ES256'], keys: { pemFile: join(home, 'key.pem') } }],
  })
  const [ofOld, ofFresh] = [await old.sign(goodClaims()), await fresh.sign(goodClaims())]
  t.same([await ask(ofOld), await ask(ofFresh)], ['ok', 'signature_invalid'])
  symlinkSync('two', join(home, 'next'))
  renameSync(join(home, 'next'), join(home, 'data'))
  await clock.advance(SETTLED_MS)
  t.same([await ask(ofOld), await ask(ofFresh)], ['signature_invalid', 'ok'])
})

t.test(
  'a key file that becomes a pipe, a device, a directory, a loop, or has no end is told, and stops no request',
  async (t) => {
    const [old, fresh] = [await createSigner('ES256', 'old'), await createSigner('ES256', 'fresh')]
    const home = t.testdir({ 'key.pem': old.pem, real: {} })
    const file = join(home, 'key.pem')
    const { clock, ask, lines } = await start(t, {
      issuers: [{ name: 'idp', issuer: ISSUER, algorithms: ['ES256'], keys: { pemFile: file } }],
    })
    const [ofOld, ofFresh] = [await old.sign(goodClaims()), await fresh.sign(goodClaims())]
    const reasons: [become: () => void, reason: RegExp][] = [
      [() => execFileSync('mkfifo', [file]), /key\.pem is a pipe or a device, and no file/],
      [() => symlinkSync('/dev/zero', file), /key\.pem is a pipe or a device, and no file/],
      [() => mkdirSync(file), /cannot be read/],
      [() => symlinkSync('key.pem', file), /cannot be read/],
      [
        () => {
          writeFileSync(file, fresh.pem)
          truncateSync(file, 5e9)
        },
        /key\.pem has 5000000000 bytes, at most 1048576 are read/,
      ],
    ]
    for (const [index, [become, reason]] of reasons.entries()) {
      rmSync(file, { recursive: true })
      become()
      await clock.advance(SETTLED_MS)
      t.equal(errorsOf(lines).length, index + 1, String(reason))
      t.match(errorsOf(lines)[index], reason)
      t.equal(await ask(ofOld), 'ok', String(reason))
    }
    rmSync(file)
    writeFileSync(file, fresh.pem)
    await clock.advance(SETTLED_MS)
    t.same([await ask(ofOld), await ask(ofFresh)], ['signature_invalid', 'ok'])
  },
)

t.test('without watch, files are read once', async (t) => {
  const [old, fresh] = [await createSigner('ES256', 'old'), await createSigner('ES256', 'fresh')]
  const file = join(t.testdir({ 'key.pem': old.pem }), 'key.pem')
  const { clock, ask } = await start(t, {
    watch: false,
    issuers: [{ name: 'idp', issuer: ISSUER, algorithms: ['ES256'], keys: { pemFile: file } }],
  })
  writeFileSync(file, fresh.pem)
  await clock.advance(10 * SETTLED_MS)
  t.equal(await ask(await old.sign(goodClaims())), 'ok')
})

t.test(
  'a renewed certificate serves new connections; a pair that does not go together serves none',
  { skip: !isOpensslHere },
  async (t) => {
    const home = t.testdir({})
    const [before, after] = [makeCertificate(home, 'before.test'), makeCertificate(home, 'after.test')]
    const tls = { cert: join(home, 'tls.crt'), key: join(home, 'tls.key') }
    copyFileSync(before.cert, tls.cert)
    copyFileSync(before.key, tls.key)
    const { clock, port, lines, gateway } = await start(t, {
      listen: { port: 0, tls },
      routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    })
    const nameNow = () =>
      new Promise<unknown>((resolve, reject) => {
        request({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false }, (response) => {
          response.resume()
          resolve((response.socket as TLSSocket).getPeerCertificate().subject.CN)
        })
          .on('error', reject)
          .end()
      })
    t.equal(await nameNow(), 'before.test')
    copyFileSync(after.cert, tls.cert)
    await clock.advance(SETTLED_MS)
    t.equal(await nameNow(), 'before.test', 'half of the pair')
    t.equal(errorsOf(lines).length, 1)
    t.match(errorsOf(lines)[0], /tls\.crt and .*tls\.key cannot be used for TLS: .+ \(listen\.tls\)$/)
    t.notMatch(JSON.stringify(lines), /"stack"/, 'what is wrong with files is no fault of the program')
    const part = 'certificate of listen.tls'
    t.match(degradedOf(gateway), [{ part, reason: /cannot be used for TLS.*the next start would fail/ }])
    copyFileSync(after.key, tls.key)
    await clock.advance(SETTLED_MS)
    t.equal(await nameNow(), 'after.test')
    t.same(degradedOf(gateway), [])
    t.match(gateway.readiness().ok.at(-1), { part })
    rmSync(tls.key)
    execFileSync('mkfifo', [tls.key])
    await clock.advance(SETTLED_MS)
    t.equal(await nameNow(), 'after.test', 'a pipe')
    t.match(degradedOf(gateway), [{ part, reason: /tls\.key is a pipe or a device, and no file \(listen\.tls\)/ }])
    writeFileSync(tls.cert, 'junk')
    await clock.advance(SETTLED_MS)
    t.equal(await nameNow(), 'after.test', 'junk')
    t.equal(degradedOf(gateway).length, 1, 'junk')
  },
)
