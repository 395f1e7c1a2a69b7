// `tollgate status` and `tollgate routes`: tables for people, JSON for machines, and what is said where no gateway tells.
import t from 'tap'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { tableText } from '../../../gateway/src/operate/commands/running/table.ts'
import { ADMIN_TOKEN, configText, HMAC, startIssuer, startWith } from '../../support/explaining-gateway.ts'
import { temporaryDirectory } from '../../support/gateway-process.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { runCli } from '../../support/run-cli.ts'
import { createSigner, ISSUER } from '../../support/tokens.ts'

const of = (command: string, { file, adminUrl }: { file: string; adminUrl: string }, ...more: string[]) =>
  runCli(command, '-c', file, '--admin', adminUrl, ...more)

t.test('routes as a table, and as JSON', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startWith(t, configText(upstream.url, HMAC))
  t.same(await of('routes', gateway), {
    code: 0,
    out: [
      'PATH     METHODS  HOSTS  TO             AUTH      ISSUERS  REQUIRES',
      '/api/*   -        -      upstream up    required  -        -',
      '/logout  -        -      action revoke  required  -        -',
      '',
    ].join('\n'),
    err: '',
  })
  const { code, out } = await of('routes', gateway, '--json')
  t.equal(code, 0)
  t.match(JSON.parse(out), { digest: String, routes: [{ path: '/api/*', upstream: 'up' }, { path: '/logout' }] })
})

t.test('status: ready or not, whether the file is what runs, targets and keys', async (t) => {
  const upstream = await startUpstream(t)
  const issuer = await startIssuer(t, await createSigner('ES256', 'evil\u001b[31m\u202e'))
  const keys = `[{ name: main, issuer: ${ISSUER}, audiences: [api], algorithms: [ES256], keys: { jwksUrl: '${issuer.url}' } }]`
  const gateway = await startWith(t, configText(upstream.url, keys))
  const { code, out } = await of('status', gateway)
  t.equal(code, 0)
  t.match(out, /^gateway +127\.0\.0\.1:\d+, version \S+, Node v\d+/)
  t.match(out, /^ready +yes$/m)
  t.match(out, /^config +[\w-]{16}, loaded 20\S+Z, the same as that of .*c\.yaml$/m)
  t.match(out, /^UPSTREAM +TARGET +STATE +HEALTH +IN FLIGHT +QUEUED +WHY OUT$/m, 'no column for the one worker')
  t.match(out, new RegExp(`^up +${upstream.url} +in use +unchecked +0 +0 +-$`, 'm'))
  t.match(
    out,
    new RegExp(
      `^main +jwksUrl ${issuer.url} +evil\\\\u001b\\[31m\\\\u202e \\(ES256\\) +[\\d.]+s +in [\\d.]+s +-$`,
      'm',
    ),
  )

  const json = await of('status', gateway, '--json')
  t.equal(json.code, 0)
  const told = JSON.parse(json.out) as Record<string, unknown>
  t.same(Object.keys(told).sort(), ['at', 'config', 'keys', 'node', 'readiness', 'upstreams', 'version'])
  t.match(told, {
    readiness: { ready: true, notReady: [], degraded: [] },
    config: { digest: String, loadedAt: String, sameAsFile: true },
    upstreams: { workers: [{ worker: 1, upstreams: [{ upstream: 'up', targets: [{ inFlight: 0 }] }] }], missing: [] },
    keys: { workers: [{ worker: 1, issuers: [{ issuer: 'main', keys: [{ algorithm: 'ES256' }] }] }], missing: [] },
  })

  writeFileSync(gateway.file, configText(upstream.url, keys, 'limits: { inFlight: 5 }\n'))
  t.match((await of('status', gateway)).out, /, not that of .*c\.yaml$/m, 'a file that was changed since')
  writeFileSync(gateway.file, 'routes: [')
  const broken = await of('status', gateway, '--admin-token', ADMIN_TOKEN)
  t.match(broken, { code: 0, out: /, not compared: there are errors in .*c\.yaml/ }, 'where it is was said')
  const lost = await runCli('status', '-c', gateway.file)
  t.equal(lost.code, 1)
  t.match(lost.err, /c\.yaml/, 'else the errors are told')
})

t.test('two workers, one of whose issuers has no keys: not ready, and a column for the worker', async (t) => {
  const upstream = await startUpstream(t)
  const issuer = await startIssuer(t, await createSigner('ES256', 'a'))
  issuer.keys = []
  const keys = `[{ name: main, issuer: ${ISSUER}, audiences: [api], algorithms: [ES256], keys: { jwksUrl: '${issuer.url}' } }]`
  const gateway = await startWith(t, configText(upstream.url, keys, 'workers: 2\nstartTimeout: 1s\n'))
  const { code, out } = await of('status', gateway)
  t.equal(code, 0, 'it was told; whether it is ready is what was told')
  t.match(out, /^ready +no$/m)
  t.match(out, /^not ready +\S+.*since 20/m)
  t.match(out, /^WORKER +UPSTREAM /m)
  for (const worker of [1, 2]) {
    t.match(out, new RegExp(`^${worker} +up +${upstream.url} +in use`, 'm'))
    t.match(out, new RegExp(`^${worker} +main +jwksUrl .*500`, 'm'))
  }
  t.match(JSON.parse((await of('status', gateway, '--json')).out), { readiness: { ready: false } })
})

t.test('where no gateway tells: one line, exit code 1', async (t) => {
  const file = join(temporaryDirectory(t), 'c.yaml')
  writeFileSync(file, configText('http://127.0.0.1:1', HMAC))
  const other = createServer((_request, response) => response.end('{"hello":1}')).listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  const upstream = await startUpstream(t)
  const gateway = await startWith(t, configText(upstream.url, HMAC))
  for (const command of ['status', 'routes'])
    for (const [title, more, code, err] of [
      ['no port', [], 1, /admin\.port is 0/],
      ['nobody', ['--admin', 'http://127.0.0.1:1'], 1, /no gateway answers at 127\.0\.0\.1:1/],
      ['no URL', ['--admin', 'here'], 2, /--admin is no URL/],
      ['another service', ['--admin', elsewhere], 1, /has no \/api\/\w+ \(404\): no gateway, or an older one/],
      ['the wrong token', ['--admin', gateway.adminUrl, '--admin-token', 'x'], 1, /401 .*\(--admin-token/],
      ['no token', ['--admin', gateway.adminUrl, '--admin-token', ''], 1, /admin\.token is not set/],
    ] as const) {
      const told = await runCli(command, '-c', file, ...more)
      t.equal(told.code, code, `${command}: ${title}`)
      t.match(told.err, err, `${command}: ${title}`)
      t.equal(told.out, '', title)
    }
})

t.test('a table obeys no sign of its cells, and shows what is empty', async (t) => {
  t.equal(
    tableText(
      ['A', 'LONG'],
      [
        ['x\ny', ''],
        ['', '\u0007'],
      ],
    ),
    'A         LONG\nx\\u000ay  -\n-         \\u0007',
  )
})
