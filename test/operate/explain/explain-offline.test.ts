// What explain says when it fetches nothing: what the network or the gateway that runs decides is left open, all else is definite.
import t from 'tap'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { runCli } from '../../support/run-cli.ts'
import { createSigner, goodClaims, ISSUER, nowSec } from '../../support/tokens.ts'

const config = (port: number) => `
limits: { authFailures: { max: 10, per: 1m } }
issuers:
  - { name: remote, issuer: ${ISSUER}, audiences: [api], algorithms: [ES256], keys: { jwksUrl: 'http://127.0.0.1:${port}/jwks' } }
  - { name: local, issuer: https://local.example.com, algorithms: [ES256], keys: { pemFile: key.pem } }
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes:
  - { path: /api/*, upstream: up }
  - { path: /scoped, upstream: up, require: { scopes: { all: [rare] } } }
  - { path: /open, upstream: up, auth: none, methods: [GET] }
  - { path: /optional, upstream: up, auth: optional }
  - { path: /report, upstream: up, auth: report-only }
`

t.test('offline: what is not known is left open, what is refused in any case is refused', async (t) => {
  const signer = await createSigner('ES256')
  const other = await createSigner('ES256')
  let fetches = 0
  const server = createServer((_request, response) => {
    fetches += 1
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [signer.jwk] }))
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const file = join(t.testdir({ 'c.yaml': config(port), 'key.pem': signer.pem }), 'c.yaml')
  const remote = await signer.sign(goodClaims())
  const forged = await other.sign(goodClaims(), { kid: signer.kid })
  const iss = 'https://local.example.com'
  const local = await signer.sign(goodClaims({ iss }))
  const forgedLocal = await other.sign(goodClaims({ iss }))
  const expired = await signer.sign(goodClaims({ iat: nowSec() - 900, exp: nowSec() - 300 }))
  const elsewhere = await signer.sign(goodClaims({ aud: 'another' }))

  for (const [title, argv, code, verdict, told] of [
    ['remote keys', ['GET', '/api/x', '-t', remote], 3, 'not known', /\? +key +not known[^]*\? +signature +not known/],
    ['the same of a forged one', ['GET', '/api/x', '-t', forged], 3, 'not known', /\? +signature +not known/],
    ['local keys: the block list', ['GET', '/api/x', '-t', local], 3, 'not known', /ok +signature[^]*\? +revocation/],
    ['local keys: the limit', ['GET', '/api/x', '-t', local], 3, 'not known', /\? +limit +not known/],
    ['optional', ['GET', '/optional', '-t', remote], 3, 'not known', /\? +signature/],
    ['forged, local keys', ['GET', '/api/x', '-t', forgedLocal], 1, 'refused', /401 signature_invalid/],
    ['expired', ['GET', '/api/x', '-t', expired], 1, 'refused', /- +key +not reached[^]*401 token_expired/],
    ['another audience', ['GET', '/api/x', '-t', elsewhere], 1, 'refused', /401 audience_mismatch/],
    [
      'a scope',
      ['GET', '/scoped', '-t', remote],
      1,
      'refused',
      /\? +signature[^]*a refusal; at best 403 scope_missing/,
    ],
    ['no token', ['GET', '/api/x'], 1, 'refused', /401 token_missing/],
    ['no route', ['GET', '/nope', '-t', remote], 1, 'refused', /404 route_not_found/],
    ['no method', ['POST', '/open'], 1, 'refused', /405 method_not_allowed/],
    ['no auth', ['GET', '/open'], 0, 'passes', /the response of the upstream/],
    ['no token needed', ['GET', '/optional'], 0, 'passes', /the response of the upstream/],
    ['report-only passes in any case', ['GET', '/report', '-t', forged], 0, 'passes', /\? +signature/],
  ] as const) {
    const { code: exit, out } = await runCli('explain', '-c', file, '--offline', ...argv)
    t.equal(exit, code, title)
    t.match(out, told, title)
    t.notMatch(out, /503/, title)
    const json = JSON.parse((await runCli('explain', '-c', file, '--offline', '--json', ...argv)).out) as object
    t.match(json, { verdict, passes: verdict === 'passes' }, title)
  }
  t.equal(fetches, 0, 'nothing was fetched')

  t.match(await runCli('explain', '-c', file, 'GET', '/api/x', '-t', remote), { code: 0, out: /ok +signature/ })
  t.equal(fetches, 1, 'without --offline keys are fetched')
  t.match(await runCli('explain', '-c', file, 'GET', '/api/x', '-t', forged), { code: 1, out: /signature_invalid/ })
  fetches = 0
  await runCli('explain', '-c', file, 'GET', '/nope')
  t.equal(fetches, 0, 'nor without a token')
})
