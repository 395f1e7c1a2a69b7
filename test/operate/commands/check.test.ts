// What `check` says agrees with its exit code, and whoever mends a config sees errors and warnings at once.
import t from 'tap'
import { join } from 'node:path'

import { examine } from '../../../gateway/src/operate/commands/check.ts'
import { unknownHosts } from '../../../gateway/src/operate/commands/unknown-hosts.ts'
import { runCli } from '../../support/run-cli.ts'

const SECRET = 'a-secret-of-at-least-thirty-two-bytes'
const CLEAN = `admin: { token: 'an-admin-token-of-thirty-two-bytes' }
issuers:
  - { name: main, issuer: i, audiences: [a], algorithms: [ES256], keys: { jwksUrl: https://127.0.0.1/jwks } }
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes:
  - { path: /*, upstream: up }
`
const ADVISED = CLEAN.replace(
  'algorithms: [ES256], keys: { jwksUrl: https://127.0.0.1/jwks }',
  `algorithms: [HS256], keys: { secret: { value: ${SECRET} } }`,
)
const WARNED = CLEAN.replace('audiences: [a], ', '')
const BOTH = ADVISED.replace('audiences: [a], ', '')
const BROKEN = WARNED.replace('path: /*,', 'path: nowhere, methodes: [GET],')

interface Row {
  readonly config: string
  readonly strict: boolean
  readonly code: number
  /** The last line of all. */
  readonly end: RegExp
  readonly errors?: number
  readonly warnings?: number
  readonly advice?: number
}

const ROWS: Readonly<Record<string, Row>> = {
  'nothing to say': { config: CLEAN, strict: false, code: 0, end: /c\.yaml is right: 1 route, / },
  'nothing to say, strictly': { config: CLEAN, strict: true, code: 0, end: /c\.yaml is right: 1 route, / },
  'advice that nobody asked for': { config: ADVISED, strict: false, code: 0, end: /c\.yaml is right: / },
  'one piece of advice': {
    config: ADVISED,
    strict: true,
    code: 1,
    end: /c\.yaml has no errors, 1 thing to look at$/,
    advice: 1,
  },
  'a warning': { config: WARNED, strict: false, code: 0, end: /c\.yaml is right: /, warnings: 1 },
  'a warning, strictly': {
    config: WARNED,
    strict: true,
    code: 1,
    end: /c\.yaml has no errors, 1 thing to look at$/,
    warnings: 1,
  },
  'both, strictly': {
    config: BOTH,
    strict: true,
    code: 1,
    end: /c\.yaml has no errors, 2 things to look at$/,
    warnings: 1,
    advice: 1,
  },
  'errors and a warning': {
    config: BROKEN,
    strict: false,
    code: 1,
    end: /c\.yaml has 2 errors and 1 warning; nothing was started$/,
    errors: 2,
    warnings: 1,
  },
  'errors and a warning, strictly': {
    config: BROKEN,
    strict: true,
    code: 1,
    end: /c\.yaml has 2 errors and 1 warning; nothing was started$/,
    errors: 2,
    warnings: 1,
  },
}

for (const [title, { config, strict, code, end, errors = 0, warnings = 0, advice = 0 }] of Object.entries(ROWS)) {
  t.test(`${title}: text, JSON and exit code say one thing`, async (t) => {
    const file = join(t.testdir({ 'c.yaml': config }), 'c.yaml')
    const argv = ['check', '-c', file, ...(strict ? ['--strict'] : [])]
    const people = await runCli(...argv)
    t.equal(people.code, code)
    const lines = `${people.err}${people.out}`.trimEnd()
    t.match(lines.split('\n').at(-1), end)
    t.equal(/is right/.test(lines), code === 0, 'right is said where the exit code is 0, and there alone')
    const told = [...lines.matchAll(/:\d+:\d+ (error|warning|advice): /g)].map(([, severity]) => severity)
    const expected = [
      ...Array.from({ length: errors }, () => 'error'),
      ...Array.from({ length: warnings }, () => 'warning'),
      ...Array.from({ length: advice }, () => 'advice'),
    ]
    t.same(told, expected, 'errors first')

    const tools = await runCli(...argv, '--json')
    t.equal(tools.code, code)
    const report = JSON.parse(tools.out) as Record<'errors' | 'warnings' | 'advice', unknown[]> & { ok: boolean }
    t.equal(report.ok, code === 0)
    t.same([report.errors.length, report.warnings.length, report.advice.length], [errors, warnings, advice])
  })
}

t.test('a command that starts something shows the warnings beside the errors, too', async (t) => {
  const file = join(t.testdir({ 'c.yaml': BROKEN }), 'c.yaml')
  t.match(await runCli('run', '-c', file), {
    code: 1,
    err: / error: [^]* warning: [^]*c\.yaml has 2 errors and 1 warning; nothing was started\n$/,
  })
})

const NAMED = `issuers:
  - { name: main, issuer: i, audiences: [a], algorithms: [ES256], keys: { jwksUrl: https://keys.example.com/jwks, proxy: http://proxy.example.com:3128 } }
revocation: { store: { redis: "redis+sentinel://one.example.com,two.example.com:26379/main" } }
upstreams: { up: { targets: [http://up.example.com:1, http://up.example.com:2] }, odd: { targets: 5 } }
routes:
  - { path: nowhere, upstream: up }
`

function resolver(answers: (host: string) => Promise<unknown>, timeoutMs?: number) {
  const asked: string[] = []
  const find: typeof unknownHosts = (config) =>
    unknownHosts(
      config,
      (host) => {
        asked.push(host)
        return answers(host)
      },
      timeoutMs,
    )
  return { asked, find }
}

const NOBODY = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }))

t.test('hosts without an address are told beside all errors, each host asked for once and all together', async (t) => {
  const file = join(t.testdir({ 'c.yaml': NAMED }), 'c.yaml')
  let waiting = 0
  let most = 0
  const { asked, find } = resolver(async () => {
    most = Math.max(most, (waiting += 1))
    await new Promise((resolve) => setImmediate(resolve))
    waiting -= 1
    return NOBODY()
  })
  const report = await examine({ config: file, lookup: true }, find)
  const NAMES = ['keys', 'one', 'proxy', 'two', 'up'].map((name) => `${name}.example.com`)
  t.same(asked.toSorted(), NAMES)
  t.equal(most, NAMES.length, 'at the same time')
  t.same(
    report.errors.map(({ path }) => path),
    ['upstreams.odd.targets', 'routes[0].path'],
  )
  t.same(
    report.warnings.filter(({ message }) => /no address/.test(message)).map(({ path, line }) => [path, line]),
    [
      ['issuers[0].keys.jwksUrl', 2],
      ['issuers[0].keys.proxy', 2],
      ['revocation.store.redis', 3],
      ['upstreams.up.targets[0]', 4],
      ['upstreams.up.targets[1]', 4],
    ],
  )
})

t.test('what an error explains is not warned of, and a file that cannot be parsed asks nobody', async (t) => {
  const directory = t.testdir({
    'unset.yaml': NAMED.replace('http://up.example.com:1', '"http://${NO_SUCH_HOST}"'),
    'broken.yaml': NAMED.replace('{ name: main', '[ name: main'),
  })
  const first = resolver(NOBODY)
  const unset = await examine({ config: join(directory, 'unset.yaml'), lookup: true }, first.find)
  t.notOk(unset.warnings.some(({ path }) => path === 'upstreams.up.targets[0]'))
  t.notOk(first.asked.some((host) => host.includes('$')))
  const second = resolver(NOBODY)
  await examine({ config: join(directory, 'broken.yaml'), lookup: true }, second.find)
  await examine({ config: join(directory, 'unset.yaml'), lookup: false }, second.find)
  t.same(second.asked, [])
})

t.test('a resolver that never answers does not hold up the check', async (t) => {
  const file = join(t.testdir({ 'c.yaml': NAMED }), 'c.yaml')
  const { find } = resolver((host) => (host.startsWith('up') ? NOBODY() : new Promise(() => undefined)), 20)
  const { errors, warnings } = await examine({ config: file, lookup: true }, find)
  t.equal(errors.length, 2)
  t.equal(warnings.filter(({ message }) => /no address/.test(message)).length, 2, 'what is known by then is told')
})
