// What the gateway answers itself is explained as that: nothing is refused, and nothing comes to an upstream.
import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'

import { runCli } from '../../support/run-cli.ts'
import { createSigner, goodClaims, ISSUER, nowSec } from '../../support/tokens.ts'

const CONFIG = `
issuers:
  - name: main
    issuer: ${ISSUER}
    algorithms: [ES256]
    keys: { pemFile: main.pem }
    renewal: { window: 1m, lifetime: 5m, maxSession: 1h, signingKey: { alg: ES256, pemFile: renewal.pem }, jwksPath: /keys }
cors: { origins: ['https://app.example.com'] }
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes:
  - { path: /api/*, upstream: up }
  - { path: /logout, action: revoke, methods: [POST] }
`

const PREFLIGHT = ['-H', 'origin: https://app.example.com', '-H', 'access-control-request-method: POST']

t.test('preflights, published keys, the options of the server and log-outs', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = await createSigner('ES256')
  const renewal = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const config = join(t.testdir({ 'c.yaml': CONFIG, 'main.pem': signer.pem, 'renewal.pem': renewal }), 'c.yaml')
  const token = await signer.sign(goodClaims())
  const old = await signer.sign(goodClaims({ iat: nowSec() - 400, exp: nowSec() - 90 }))

  for (const [title, argv, code, sees, status] of [
    ['a preflight', ['OPTIONS', '/api/x', ...PREFLIGHT], 0, /client sees +204 cors_preflight/, 204],
    ['of a log-out', ['OPTIONS', '/logout', ...PREFLIGHT], 0, /client sees +204 cors_preflight/, 204],
    ['of no route', ['OPTIONS', '/nope', ...PREFLIGHT], 0, /client sees +204 cors_preflight/, 204],
    ['of an unsafe path', ['OPTIONS', '/api/../x', ...PREFLIGHT], 1, /client sees +400 path_unsafe/, 400],
    ['published keys', ['GET', '/keys'], 0, /client sees +200 renewal_keys/, 200],
    ['keys, by another method', ['POST', '/keys'], 1, /client sees +405 method_not_allowed/, 405],
    ['the server as a whole', ['OPTIONS', '*'], 0, /client sees +204 server_options/, 204],
    ['a log-out', ['POST', '/logout', '-t', token], 0, /client sees +204 and is logged out/, 204],
    ['with an expired token', ['POST', '/logout', '-t', old], 0, /client sees +204 and is logged out/, 204],
    ['without a token', ['POST', '/logout'], 1, /client sees +401 token_missing/, 401],
    ['a path without its /', ['GET', 'api/x'], 1, /it is "api\/x", and the target of a request begins with a \//, 400],
    ['an unsafe path', ['GET', '/a/..%2fb'], 1, /The path could be read in more than one way/, 400],
    ['a route', ['GET', '/api/x', '-t', token], 0, /client sees +the response of the upstream/, undefined],
  ] as const) {
    const told = await runCli('explain', '-c', config, ...argv)
    t.match(told, { code, out: sees }, title)
    t.notMatch(told.out, /undefined/, title)
    if (status !== undefined) t.notMatch(told.out, /upstream gets|renewal +(yes|not yet)/, title)
    const json = JSON.parse((await runCli('explain', '-c', config, ...argv, '--json')).out) as Record<string, unknown>
    t.match(json, { passes: code === 0, ...(status === undefined ? {} : { answer: { status } }) }, title)
  }
  const out = (await runCli('explain', '-c', config, 'POST', '/logout', '-t', token)).out
  t.match(out, /route +\/logout with action revoke, auth: required/)
  const late = (await runCli('explain', '-c', config, 'POST', '/logout', '-t', old)).out
  t.match(late, /ok +time +it expired 1 min \d+ s ago, which this route or its renewal allows/)
})

t.test('headers that are given several times', async (t) => {
  const { pem, sign } = await createSigner('ES256')
  const text = CONFIG.replace('    renewal: {', '    # {').replace(
    'cors:',
    'tokens: { from: [{ cookie: session }, { header: x-token }] }\ncors:',
  )
  const config = join(t.testdir({ 'c.yaml': text, 'main.pem': pem }), 'c.yaml')
  const ask = async (...argv: string[]) => runCli('explain', '-c', config, 'GET', '/api/x', ...argv)
  const token = await sign(goodClaims())
  t.match(await ask('-t', token, '-H', 'cookie: a=b', '-H', 'cookie: c=d'), { code: 0, out: /found in cookie session/ })
  t.match(await ask('-H', `cookie: session=${token}`, '-H', 'Cookie: c=d'), { code: 0, out: /found in cookie session/ })
  t.match(await ask('-H', `x-token: ${token}`, '-H', 'x-token: junk'), { code: 1 })
  for (const name of ['Host', 'authorization'])
    t.match(await ask('-H', `${name}: a`, '-H', `${name.toLowerCase()}: b`), { code: 2, err: /would come twice/ }, name)
})
