// What a reload would change, as `tollgate diff` and POST /api/diff tell it: nothing changes by being asked.
import t from 'tap'
import { once } from 'node:events'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import type { ReloadDiff } from '../../../gateway/src/operate/reload/diff.ts'
import { FILE_ADMIN_TOKEN, HEAD, startFromFile } from '../../support/gateway-from-file.ts'
import { ADMIN_TOKEN, startReloadable } from '../../support/reloadable.ts'
import { runCli } from '../../support/run-cli.ts'

const SECRET = 'a-secret-of-at-least-thirty-two-bytes-'
const main = (more = '', secret = `${SECRET}1`) =>
  `{ name: main, issuer: "https://i.example.com", audiences: [a], algorithms: [HS256], keys: { secret: { value: "${secret}" } } ${more}}`
const other =
  '{ name: other, issuer: "https://o.example.com", audiences: [a], algorithms: [HS256], keys: { jwksFile: other.jwks } }'
const JWKS = JSON.stringify({ keys: [{ kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), alg: 'HS256' }] })

interface Parts {
  readonly issuers?: string
  readonly up?: string
  readonly routes?: string
  readonly more?: string
}

function textOf({ issuers = `${main()}, ${other}`, up = '', routes = '', more = '' }: Parts = {}): string {
  return [
    `issuers: [${issuers}]`,
    `upstreams: { up: { targets: ["http://127.0.0.1:1"]${up} }, same: { targets: ["http://127.0.0.1:1"] } }`,
    more,
    `routes: [{ path: /a, upstream: up }, { path: /s, upstream: same }${routes}]`,
    '',
  ].join('\n')
}

t.test('one process: what would change, what would stay, and what is to be read again', async (t) => {
  const folder = t.testdir({ 'other.jwks': JWKS })
  const { admin, file, reload, lines } = await startFromFile(t, textOf(), folder)
  async function diff(text: string): Promise<ReloadDiff> {
    writeFileSync(file, text)
    const response = await admin('POST', '/api/diff')
    const told = await response.text()
    t.equal(response.status, 200, told)
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.notMatch(told, SECRET)
    t.notMatch(told, FILE_ADMIN_TOKEN)
    return JSON.parse(told) as ReloadDiff
  }
  const all = { connections: ['up', 'same'], keys: ['main', 'other'], tokens: ['main', 'other'] }
  t.match(await diff(HEAD + textOf()), { differs: false, kept: all, files: [], needsRestart: [] })

  const rows: Record<string, { text: string; told: object; kept: object }> = {
    'another option of an upstream': {
      text: HEAD + textOf({ up: ', connections: 7' }),
      told: { upstreams: { changed: [{ name: 'up', options: [{ option: 'connections', to: 7 }] }] } },
      kept: { ...all, connections: ['same'] },
    },
    'a limit that all upstreams are made with': {
      text: HEAD + textOf({ more: 'limits: { responseHeaderBytes: 20KiB }' }),
      told: { options: [{ option: 'limits.responseHeaderBytes', to: '20KiB' }] },
      kept: { ...all, connections: [] },
    },
    'another secret of an issuer': {
      text: HEAD + textOf({ issuers: `${main('', `${SECRET}2`)}, ${other}` }),
      told: { issuers: { changed: [{ name: 'main', options: [{ option: 'keys.secret.value', secret: true }] }] } },
      kept: { ...all, keys: ['other'], tokens: ['other'] },
    },
    'another rule for its tokens': {
      text: HEAD + textOf({ issuers: `${main(', clockTolerance: 5m')}, ${other}` }),
      told: { issuers: { changed: [{ name: 'main', options: [{ from: '1m', to: '5m' }] }] } },
      kept: { ...all, tokens: ['other'] },
    },
    'what known tokens are made to': {
      text: HEAD + textOf({ more: 'authResult: { header: x-user }' }),
      told: { options: [{ option: 'authResult.header', from: 'x-auth-result', to: 'x-user' }] },
      kept: { ...all, tokens: [] },
    },
    'the admin token': {
      text: HEAD.replace(FILE_ADMIN_TOKEN, `${FILE_ADMIN_TOKEN}-2`) + textOf(),
      told: { options: [{ option: 'admin.token', secret: true }], needsRestart: [] },
      kept: all,
    },
    'what needs a restart': {
      text:
        HEAD +
        textOf({ more: 'shutdown: { delay: 1s, timeout: 20s }\nlimits: { headerBytes: 20KiB, bodyBytes: 1MiB }' }),
      told: {
        options: [{ option: 'limits.bodyBytes', to: '1MiB' }],
        needsRestart: [
          {
            ...{ option: 'shutdown', by: 'restart', why: String },
            changes: [
              { option: 'shutdown.delay', from: '0s', to: '1s' },
              { option: 'shutdown.timeout', from: '10s', to: '20s' },
            ],
          },
          { option: 'limits.headerBytes', by: 'restart', changes: [{ from: '16KiB', to: '20KiB' }] },
        ],
      },
      kept: all,
    },
    'a route': {
      text: HEAD + textOf({ routes: ', { path: /new, upstream: up, auth: none }' }),
      told: { routes: { added: [{ path: '/new' }], removed: [], changed: [] } },
      kept: all,
    },
  }
  for (const [title, { text, told, kept }] of Object.entries(rows)) {
    const answer = await diff(text)
    t.match(answer, { differs: true, ...told }, title)
    t.same(answer.kept, kept, title)
    t.equal(answer.options.length, (told as Partial<ReloadDiff>).options?.length ?? 0, title)
  }

  const keys = join(folder, 'other.jwks')
  writeFileSync(`${keys}.new`, JWKS.replace('"oct"', '"oct","kid":"2"'))
  renameSync(`${keys}.new`, keys)
  t.match(await diff(HEAD + textOf()), {
    differs: true,
    files: [keys],
    kept: { ...all, keys: ['main'], tokens: ['main'] },
  })
  t.match(await reload(), { ok: true })
  t.match(await diff(HEAD + textOf()), { differs: false, files: [], kept: all }, 'it was read')

  writeFileSync(file, `${HEAD}${textOf({ up: ', surprise: 1' })}`)
  const faulty = await admin('POST', '/api/diff')
  t.equal(faulty.status, 422)
  const { problems } = (await faulty.json()) as { problems: string[] }
  t.match(problems, [/gateway\.yaml:5:\d+ error: .*surprise/])
  t.match(await reload(), { ok: false, problems }, 'as a reload tells them')
  rmSync(file)
  t.equal((await admin('POST', '/api/diff')).status, 422)
  t.notMatch(JSON.stringify(lines), SECRET)
})

t.test('the command, with workers: lines, JSON and exit codes; nothing has changed by asking', async (t) => {
  const workers = (count: number) => `workers: ${count}\n`
  const targets = { http: 'http://127.0.0.1:1', ws: 'http://127.0.0.1:1' }
  const gateway = await startReloadable(t, targets, { first: workers(2) })
  const { file, write, adminUrl, admin } = gateway
  const diff = (...more: string[]) =>
    runCli('diff', '-c', file, '--admin', adminUrl, '--admin-token', ADMIN_TOKEN, ...more)
  t.same(await diff(), { code: 0, out: 'a reload would change nothing\n', err: '' })
  t.match(JSON.parse((await diff('--json')).out), { differs: false })

  write(['/new'], `${workers(3)}shutdown: { delay: 1s }\nlog: { level: debug }\nlimits: { bodyBytes: 1MiB }\n`)
  t.same(await diff(), {
    code: 4,
    out: [
      'routes',
      '  + /new',
      '  - /events',
      'options',
      '  ~ limits.bodyBytes: 10MiB -> 1MiB',
      '  ~ log.level: info -> debug',
      'not by a reload',
      '  ~ workers needs a `tollgate reload --restart`: processes are forked at the start',
      '      workers: 2 -> 3',
      '  ~ shutdown needs a restart: the end of the process is arranged at its start',
      '      shutdown.delay: 0s -> 1s',
      'kept',
      '  connections of upstreams: http, ws',
      '  keys of issuers: main',
      '  known tokens of issuers: main',
      '',
    ].join('\n'),
    err: '',
  })
  const json = await diff('--json')
  t.match({ ...json, out: JSON.parse(json.out) as unknown }, { code: 4, out: { differs: true }, err: '' })
  t.match(await (await admin('GET', '/api/routes')).text(), /\/events/, 'nothing has changed')

  t.equal((await admin('POST', '/api/reload')).status, 200)
  const left = await diff()
  t.equal(left.code, 4, 'what a reload cannot do is still to be done')
  t.notMatch(left.out, /\/new|bodyBytes/)

  write(['/new'], 'surprise: 1\n')
  t.match(await diff(), {
    code: 1,
    out: '',
    err: /gateway\.yaml:\d+:\d+ error: .*surprise.*\na reload would change nothing/s,
  })
  t.match(JSON.parse((await diff('--json')).out), { problems: [/surprise/] })

  const service = createServer((_request, response) => response.end('{"hello":1}')).listen(0, '127.0.0.1')
  await once(service, 'listening')
  t.teardown(() => service.close())
  const elsewhere = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  t.match(await diff('--admin', elsewhere), { code: 1, out: '', err: /compares nothing \(404\)/ })
  t.match(await diff('--admin-token', 'x'), { code: 1, err: /401/ })
})
