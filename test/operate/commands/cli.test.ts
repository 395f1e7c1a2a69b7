import t from 'tap'
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { runCli } from '../../support/run-cli.ts'

const SECRET = 'a-secret-of-at-least-thirty-two-bytes'
const CONFIG = `
issuers:
  - { name: main, issuer: i, audiences: [a], algorithms: [HS256], keys: { secret: { value: ${SECRET} } } }
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes:
  - { path: /api/*, upstream: up, require: { scopes: { all: [x] } } }
  - { path: /open, upstream: up, auth: none, methods: [GET] }
  - { path: /host, upstream: up, auth: none, hosts: [h.example.com] }
`
const claims = (more: object = {}) => JSON.stringify({ iss: 'i', aud: 'a', sub: 'al', scope: 'x', ...more })
const sign = async (more: object = {}, ...options: string[]) =>
  (await runCli('token', 'sign', '--secret', SECRET, '--claims', claims(more), ...options)).out.trim()

/** A hook that tells on standard error which modules are loaded. */
const HOOK = "import{writeSync}from'node:fs';export const load=(u,c,n)=>(writeSync(2,u+'\\n'),n(u,c))"
const asUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`

t.test('only the command that is called is loaded: --version and --help load no stage, and no server', async (t) => {
  const bin = new URL('../../../gateway/bin/tollgate.js', import.meta.url).pathname
  const tellModules = asUrl(`import{register}from'node:module';register(${JSON.stringify(asUrl(HOOK))})`)
  for (const argument of ['--version', '--help']) {
    const { stderr } = spawnSync(process.execPath, ['--import', tellModules, bin, argument], {
      encoding: 'utf8',
      env: {},
    })
    const loaded = stderr.split('\n')
    t.ok(loaded.some((url) => url.endsWith('/cli.js')))
    const needless = /node_modules.(fastify|undici|typebox|pino)|dist.(accept|authenticate|forward|config|options)/
    t.same(
      loaded.filter((url) => needless.test(url)),
      [],
      argument,
    )
  }
})

t.test('a wrong call exits with 2, an error with 1, help with 0', async (t) => {
  for (const argv of [
    ['chek'],
    ['explain'],
    ['run', '--nope'],
    ['keys', 'generate', '--alg', 'XX', '--kid', 'k'],
    ['keys', 'generate', '--alg', 'ES256'],
  ]) {
    t.equal((await runCli(...argv)).code, 2, argv.join(' '))
  }
  t.match(await runCli('chek'), { err: /Did you mean check\?/ })
  t.equal((await runCli('--help')).code, 0)
  t.match(await runCli('--version'), { code: 0, out: /^\d+\.\d+\.\d+\n$/ })
  t.match(await runCli('check', '-c', '/no/such/file.yaml'), { code: 1, err: /no such file/ })
})

t.test('check says that a config is right, or all that is wrong, and looks at the keys', async (t) => {
  const directory = t.testdir({
    'good.yaml': CONFIG,
    'bad.yaml': 'listen: { port: x }\nroutes: []\n',
    'weak.yaml': CONFIG.replace(SECRET, 'short-secret'),
  })
  t.match(await runCli('check', '-c', join(directory, 'good.yaml')), {
    code: 0,
    out: /is right: 3 routes, 1 upstream, 1 issuer\n/,
  })
  t.match(await runCli('check', '-c', join(directory, 'bad.yaml')), {
    code: 1,
    err: /upstreams is missing[^]*bad\.yaml:1:17 error: listen\.port[^]*3 errors; nothing was started/,
  })
  const weak = await runCli('check', '-c', join(directory, 'weak.yaml'))
  t.match(weak, {
    code: 1,
    err: /weak\.yaml:3:\d+ error: issuers\[0\]\.keys\.secret\.value: the secret has 12 bytes, HS256 needs 32 [^]* weakKeys: warn /,
  })
  t.notMatch(weak.err, /short-secret/)
})

t.test('check --json is JSON whether the config is right or not, and tells no secret', async (t) => {
  const directory = t.testdir({
    'good.yaml': CONFIG,
    'bad.yaml': 'listen: { port: x }\nroutes: []\n',
    'warned.yaml': CONFIG.replace('audiences: [a], ', ''),
    'weak.yaml': CONFIG.replace(SECRET, 'short-secret'),
    'secret.yaml': CONFIG.replace(`${SECRET} }`, `${SECRET}, encodings: utf8 }`),
  })
  const check = async (name: string) => {
    const { code, out, err } = await runCli('check', '--json', '-c', join(directory, name))
    t.equal(err, '', name)
    t.notMatch(out, SECRET, name)
    return { code, report: JSON.parse(out) as { errors: object[] } }
  }
  t.match(await check('good.yaml'), { code: 0, report: { ok: true, errors: [], warnings: [] } })
  const bad = await check('bad.yaml')
  t.match(bad, { code: 1, report: { ok: false } })
  t.match(bad.report.errors[1], { line: 1, column: 17, path: 'listen.port', message: /must be a number/ })
  t.equal(bad.report.errors.length, 3)
  t.match(await check('warned.yaml'), {
    code: 0,
    report: { ok: true, warnings: [{ message: /aud is not looked at/ }] },
  })
  t.match(await check('weak.yaml'), {
    code: 1,
    report: { errors: [{ line: 3, path: 'issuers[0].keys.secret.value', message: /12 bytes/ }] },
  })
  t.match(await check('secret.yaml'), { code: 1, report: { errors: [{ message: /unknown/, hint: /encoding/ }] } })
  t.match(await check('missing.yaml'), { code: 1, report: { errors: [{ message: /no such file/ }] } })
})

t.test('explain tells each check in order, and exits with 0 only if the request would pass', async (t) => {
  const config = join(t.testdir({ 'c.yaml': CONFIG }), 'c.yaml')
  const explain = (...argv: string[]) => runCli('explain', '-c', config, ...argv)
  const good = await sign()

  const passed = await explain('GET', '/api/x', '--token', good)
  t.equal(passed.code, 0)
  t.match(passed.out, /route +\/api\/\* to upstream up, auth: required/)
  t.match(passed.out, /ok +claims +exp there, aud names us/)
  t.match(passed.out, /ok +signature/)
  t.match(passed.out, /upstream gets +x-auth-result: /)
  t.notMatch(passed.out, good.split('.')[2], 'the signature is never printed')

  // Hours after the token's end as well, whatever the time of day is.
  const later = Math.floor(Date.now() / 1000) + 1000 * 86_400 + 4 * 3600
  const cases: readonly [string, string[], RegExp, RegExp][] = [
    [
      'expired later',
      ['GET', '/api/x', '-t', good, '--at', String(later)],
      /ok +claims[^]*FAIL +time +it expired \d+ d( \d+ h)? ago[^]*- +key +not reached/,
      /401 token_expired/,
    ],
    ['no token', ['GET', '/api/x'], /FAIL +token +no token was sent/, /401 token_missing/],
    ['tampered', ['GET', '/api/x', '-t', `${good.slice(0, -5)}AAAAA`], /FAIL +(signature|shape)/, /401/],
    [
      'another scope',
      ['GET', '/api/x', '-t', await sign({ scope: 'y' })],
      /ok +signature[^]*FAIL +requirements +it needs x/,
      /403 scope_missing/,
    ],
    ['another issuer', ['GET', '/api/x', '-t', await sign({ iss: 'other' })], /FAIL +issuer/, /401 issuer_unknown/],
    [
      'another audience',
      ['GET', '/api/x', '-t', await sign({ aud: 'b' })],
      /FAIL +claims +aud is "b", wanted is "a"/,
      /401 audience_mismatch/,
    ],
    [
      'two tokens',
      ['GET', '/api/x', '-t', good, '-H', 'authorization: Bearer a, Bearer b'],
      /ok +signature/,
      /response of the upstream/,
    ],
    ['no such path', ['GET', '/nope'], /FAIL +request/, /404 route_not_found/],
    ['no such method', ['POST', '/open'], /FAIL +request/, /405 method_not_allowed/],
    ['an unsafe path', ['GET', '/api/../x'], /FAIL +request/, /400 path_unsafe/],
    ['another host', ['GET', 'https://x.example.com/host'], /FAIL +request/, /404 route_not_found/],
  ]
  for (const [title, argv, story, answer] of cases) {
    const { code, out } = await explain(...argv)
    t.equal(code, title === 'two tokens' ? 0 : 1, title)
    t.match(out, story, title)
    t.match(out, answer, title)
  }
  t.equal((await explain('GET', 'https://h.example.com/host')).code, 0)
  t.match(JSON.parse((await explain('GET', '/api/x', '-t', good, '--json')).out), {
    passes: true,
    token: { claims: { sub: 'al' } },
  })
  t.match(await explain('GET', '/api/x', '--at', 'yesterday'), { code: 2, err: /--at yesterday is no time/ })
  t.match(await explain('GET', '/api/x', '-H', 'nonsense'), { code: 2, err: /is no header/ })
})

t.test('explain fetches keys unless it is told not to', async (t) => {
  const remote = CONFIG.replace('[HS256]', '[ES256]').replace(
    `{ secret: { value: ${SECRET} } }`,
    '{ jwksUrl: http://127.0.0.1:1/jwks }',
  )
  const directory = t.testdir({ 'c.yaml': remote })
  await runCli('keys', 'generate', '--alg', 'ES256', '--kid', 'k', '--out', directory)
  const { out: token } = await runCli(
    'token',
    'sign',
    '--key',
    join(directory, 'k.private.pem'),
    '--kid',
    'k',
    '--claims',
    claims(),
  )
  const explain = (...more: string[]) =>
    runCli('explain', '-c', join(directory, 'c.yaml'), 'GET', '/api/x', '-t', token.trim(), ...more)
  for (const fetching of [[], ['--online']])
    t.match(await explain(...fetching), { code: 1, out: /ok +time[^]*FAIL +key +it needs a key of issuer main[^]*503/ })
  const offline = await explain('--offline')
  t.match(offline, { code: 3, out: /ok +time[^]*\? +key +not known: .*--offline/ })
  t.notMatch(offline.out, /503|FAIL/)
  t.equal((await explain('--offline', '--online')).code, 2)
})

t.test('explain puts the token where the config looks for it', async (t) => {
  const good = await sign()
  for (const place of [
    '{ cookie: session }',
    '{ cookie: t, scheme: Bearer }',
    '{ query: t }',
    '{ header: x-token }',
    '{ websocketProtocol: bearer }',
  ]) {
    const config = join(t.testdir({ 'c.yaml': `tokens: { from: [${place}] }\n${CONFIG}` }), 'c.yaml')
    t.equal((await runCli('explain', '-c', config, 'GET', '/api/x', '-t', good)).code, 0, place)
  }
})

t.test('tokens are signed with claims and durations, verified, and decoded', async (t) => {
  const token = await sign({ 'http://a.com': true }, '--expires', '1d', '--kid', 'k', '--typ', 'at+jwt')
  const { header, claims: decoded } = JSON.parse((await runCli('token', 'decode', token)).out) as {
    header: object
    claims: { iat: number; exp: number }
  }
  t.same(header, { alg: 'HS256', kid: 'k', typ: 'at+jwt' })
  t.match(decoded, { sub: 'al', 'http://a.com': true })
  t.equal(decoded.exp - decoded.iat, 86_400)
  t.equal((await runCli('token', 'verify', token, '--secret', SECRET)).code, 0)
  t.match(await runCli('token', 'verify', token, '--secret', 'x'.repeat(32)), { code: 1, err: /signature_invalid/ })
  t.match(await runCli('token', 'decode', 'junk'), { code: 1, err: /token_malformed/ })
  t.match(await runCli('token', 'sign', '--secret', SECRET, '--expires', 'soon'), { code: 2, err: /no duration/ })
  t.match(await runCli('token', 'sign', '--secret', SECRET, '--claims', '[]'), { code: 2, err: /JSON object/ })
  t.match(await runCli('token', 'sign'), { code: 2, err: /either --key or --secret/ })
  t.match(await runCli('token', 'sign', '--key', '/no/such'), { code: 1, err: /cannot be read/ })
})

t.test('keys of every algorithm are made, sign and verify, and are never overwritten', async (t) => {
  const directory = t.testdir({})
  for (const alg of ['HS256', 'RS256', 'PS384', 'ES256', 'ES512', 'EdDSA']) {
    const made = await runCli('keys', 'generate', '--alg', alg, '--kid', alg, '--out', directory)
    const jwks = join(directory, `${alg}.jwks.json`)
    t.match(made, { code: 0, out: new RegExp(`^written: \\S+ \\(secret\\)\nwritten: ${jwks}`) })
    const [key] = (JSON.parse(readFileSync(jwks, 'utf8')) as { keys: Record<string, unknown>[] }).keys
    t.match(key, { kid: alg, alg })
    const secretFile = join(directory, alg === 'HS256' ? `${alg}.secret` : `${alg}.private.pem`)
    t.equal(statSync(secretFile).mode & 0o777, 0o600)
    t.equal(alg === 'HS256' || key?.['d'] === undefined, true, 'no private part is published')
    if (alg !== 'HS256') {
      const { out: token } = await runCli('token', 'sign', '--key', secretFile, '--alg', alg, '--kid', alg)
      t.equal((await runCli('token', 'verify', token.trim(), '--key', jwks)).code, 0, alg)
    }
  }
  t.match(await runCli('keys', 'generate', '--alg', 'ES256', '--kid', 'ES256', '--out', directory), {
    code: 1,
    err: /there already/,
  })
  t.match(await runCli('keys', 'generate', '--alg', 'ES256', '--kid', '../x', '--out', directory), {
    code: 2,
    err: /plain file name/,
  })
  t.match(await runCli('keys', 'generate', '--alg', 'EdDSA', '--kid', 'printed'), {
    code: 0,
    out: /BEGIN PRIVATE KEY[^]*"crv": "Ed25519"/,
  })
})
