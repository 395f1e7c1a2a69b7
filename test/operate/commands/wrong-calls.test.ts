// Every wrong call ends with 2, whatever is wrong about it; and what the tools for tokens and keys promise.
import t from 'tap'
import { join } from 'node:path'

import { createTokenIssuer } from '../../../gateway/src/renew/signing/token-issuer.ts'
import { kidInPem, kidLine } from '../../../gateway/src/renew/signing/kid-in-pem.ts'
import { readFileSync } from 'node:fs'
import { runCli } from '../../support/run-cli.ts'

const SECRET = 'a-secret-of-at-least-thirty-two-bytes'

t.test('every wrong call ends with 2 and says what is wrong on standard error', async (t) => {
  const config = join(
    t.testdir({
      'c.yaml':
        'upstreams: { up: { targets: ["http://127.0.0.1:1"] } }\nroutes: [{ path: /, upstream: up, auth: none }]\n',
    }),
    'c.yaml',
  )
  for (const argv of [
    ['nope'],
    ['check', 'extra'],
    ['check', '--nope'],
    ['check', '-c'],
    ['run', 'extra'],
    ['token'],
    ['token', 'nope'],
    ['token', 'sign'],
    ['token', 'sign', '--key', 'a', '--secret', 'b'],
    ['token', 'sign', '--secret', SECRET, '--claims', '{'],
    ['token', 'sign', '--secret', SECRET, '--claims', '[1]'],
    ['token', 'sign', '--secret', SECRET, '--expires', 'soon'],
    ['token', 'verify', 'a.b.c'],
    ['token', 'verify', 'a.b.c', '--key', 'a', '--secret', 'b'],
    ['token', 'decode', ''],
    ['keys'],
    ['keys', 'generate'],
    ['keys', 'generate', '--alg', 'ES256', '--kid', '../x', '--out', '/tmp'],
    ['explain', '-c', config, 'GET'],
    ['explain', '-c', config, 'GET', '/', '--at', 'noon'],
    ['explain', '-c', config, 'GET', '/', '-H', 'no-header'],
    ['explain', '-c', config, 'FOO', '/'],
    ['revoke', '--admin', 'nowhere', '--jti', 'x'],
    ['revoke', ''],
  ]) {
    const { code, err } = await runCli(...argv)
    t.equal(code, 2, argv.join(' '))
    t.not(err, '', argv.join(' '))
  }
})

t.test('help says what is required, and which exit codes there are', async (t) => {
  t.match((await runCli('--help')).out, /Exit codes: 0 done, 1 failed or invalid, 2/)
  t.match(
    (await runCli('keys', 'generate', '--help')).out,
    /--alg <algorithm> +signature algorithm \(required\)[^]*--kid <id> +key id \(required\)/,
  )
  t.match(
    (await runCli('token', 'sign', '--help')).out,
    /--key <file> +private key in PEM; this or --secret\s+is required/,
  )
  t.match((await runCli('revoke', '--help')).out, /admin\.token of its config \(required\)/)
})

t.test('signed tokens keep the digits of their numbers, and a short secret is warned of', async (t) => {
  const claims = '{"id": 12345678901234567890, "n": 1e400, "small": 5}'
  const signed = await runCli('token', 'sign', '--secret', SECRET, '--claims', claims)
  t.equal(signed.err, '')
  const payload = Buffer.from(signed.out.split('.')[1] ?? '', 'base64url').toString()
  t.match(payload, /"id":12345678901234567890,"n":1e400,"small":5\}/)
  t.equal((await runCli('token', 'verify', signed.out.trim(), '--secret', SECRET)).code, 0)
  const short = await runCli('token', 'sign', '--secret', 'short')
  t.match(short, { code: 0, err: /^warning: the secret has 5 bytes, HS256 needs 32/ })
  t.notMatch(short.err, /short;|short /)
})

t.test('decode and verify show dates, and JSON on one line for tools', async (t) => {
  const claims = JSON.stringify({ iat: 1_000_000_000, exp: 4_000_000_000 })
  const token = (await runCli('token', 'sign', '--secret', SECRET, '--claims', claims)).out.trim()
  const people = (await runCli('token', 'decode', token)).out
  t.match(JSON.parse(people), {
    dates: { iat: /^2001-09-09T01:46:40.000Z \(\d+ d.* ago\)$/, exp: /^2096-10-02T07:06:40.000Z \(in \d+ d.*\)$/ },
  })
  t.ok(people.split('\n').length > 5)
  const { out } = await runCli('token', 'verify', token, '--secret', SECRET, '--json')
  t.equal(out.trim().split('\n').length, 1)
  t.match(JSON.parse(out), { signature: 'valid', header: { alg: 'HS256' }, claims: { exp: 4_000_000_000 } })
})

t.test('the kid of keys generate stays with the key: in what is signed and in what is published', async (t) => {
  const directory = t.testdir({})
  for (const [alg, kid] of [
    ['ES256', 'k1'],
    ['RS256', 'rsa-2'],
    ['EdDSA', 'ed.3'],
  ] as const) {
    t.equal((await runCli('keys', 'generate', '--alg', alg, '--kid', kid, '--out', directory)).code, 0)
    const file = join(directory, `${kid}.private.pem`)
    const issuer = createTokenIssuer({ alg, pem: readFileSync(file, 'utf8') })
    if (typeof issuer === 'string') throw new Error(issuer)
    t.equal(issuer.kid, kid)
    t.match(issuer.publicKey, { kid })
    const chosen = createTokenIssuer({ alg, kid: 'named', pem: readFileSync(file, 'utf8') })
    t.match(chosen, { kid: 'named' })
    const { out } = await runCli('token', 'sign', '--key', file)
    t.match(JSON.parse(Buffer.from(out.split('.')[0] ?? '', 'base64url').toString()), { kid })
    t.equal((await runCli('token', 'verify', out.trim(), '--key', join(directory, `${kid}.jwks.json`))).code, 0)
  }
})

t.test('any kid survives the way through PEM; other text before it says nothing', (t) => {
  for (const kid of ['k', 'a "b" \\ c', 'é ü', 'a\nb', '-----BEGIN']) {
    const pem = `${kidLine(kid)}\n-----BEGIN PRIVATE KEY-----\n`
    t.equal(kidInPem(pem), kid, JSON.stringify(kid))
  }
  for (const pem of [
    '-----BEGIN X-----\nkid: "k"\n',
    'kid: k\n-----BEGIN X-----',
    'xkid: "k"\n-----BEGIN X-----',
    'kid: "\\x"\n-----BEGIN X-----',
  ])
    t.equal(kidInPem(pem), undefined, pem)
  t.end()
})

t.test('a folder for keys that a file is in the way of', async (t) => {
  const directory = t.testdir({ taken: '' })
  for (const out of ['taken', 'taken/below'])
    t.match(await runCli('keys', 'generate', '--alg', 'ES256', '--kid', 'k', '--out', `${directory}/${out}`), {
      code: 1,
      err: /cannot be made: a file is in its place/,
    })
})
