// Configs of several files: each problem stands at its place in its own file, and what is joined is one config.
import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { formatProblem } from '../../gateway/src/config/format-problem.ts'
import { loadConfig, type LoadedConfig } from '../../gateway/src/config/load.ts'

const MAIN = 'include: routes/*.yaml\nupstreams: { up: { targets: [http://127.0.0.1:1] } }\n'
const route = (path: string, more = '') => `- { path: ${path}, upstream: up, auth: none${more} }\n`

interface Loaded {
  readonly loaded: LoadedConfig
  /** Each problem as FILE:LINE:COLUMN and message, with paths below the folder of the test. */
  readonly told: readonly string[]
}

function load(folder: string, files: Record<string, string>, env: Record<string, string> = {}): Loaded {
  for (const name of ['routes', 'more']) mkdirSync(join(folder, name))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const loaded = loadConfig(join(folder, 'gateway.yaml'), { env })
  const problems = [...(loaded.ok ? [] : loaded.errors), ...loaded.warnings]
  const told = problems.map((problem) => (formatProblem(problem).split('\n')[0] ?? '').replaceAll(`${folder}/`, ''))
  return { loaded, told }
}

function configOf({ loaded, told }: Loaded) {
  if (!loaded.ok) throw new Error(told.join('\n'))
  return loaded.config
}

t.test('routes, upstreams and issuers of all files are one config, in the order of the names', async (t) => {
  const loaded = load(
    t.testdir({}),
    {
      'gateway.yaml': `${MAIN}routes:\n${route('/main/*')}`,
      'routes/b.yaml': `routes:\n${route('/b/*')}`,
      'routes/a.yaml': `upstreams: { other: { targets: ['\${T}'] } }\nroutes:\n${route('/a1/*')}${route('/a2/*').replace('up,', 'other,')}`,
      'routes/.hidden.yaml': 'not: read',
      'routes/c.yml': 'not: read',
    },
    { T: 'http://127.0.0.1:2' },
  )
  const config = configOf(loaded)
  t.same(
    config.routes.map(({ path }) => path),
    ['/main/*', '/a1/*', '/a2/*', '/b/*'],
  )
  t.same(config.upstreams['other']?.targets, ['http://127.0.0.1:2'])
  t.same(loaded.told, [])
})

t.test('all routes may stand in included files, and a list names files one by one', async (t) => {
  const loaded = load(t.testdir({}), {
    'gateway.yaml': MAIN.replace('routes/*.yaml', '[more/x.yaml, routes/*.yaml, more/x.yaml]'),
    'more/x.yaml': `routes:\n${route('/x')}`,
    'routes/a.yaml': `routes:\n${route('/a')}`,
  })
  const config = configOf(loaded)
  t.same(
    config.routes.map(({ path }) => path),
    ['/x', '/a'],
  )
})

const FAULTS: readonly { name: string; files: Record<string, string>; expected: readonly string[] }[] = [
  {
    name: 'an option of an included file',
    files: { 'routes/a.yaml': `routes:\n${route('/a')}${route('/b', ', atuh: x')}` },
    expected: ['routes/a.yaml:3:41 error: unknown key "atuh" (did you mean "auth"?)'],
  },
  {
    name: 'faults of several files come together, in the order of the files',
    files: {
      'routes/a.yaml': `routes:\n${route('/a', ', methods: GET')}`,
      'routes/b.yaml': `routes:\n${route('/b').replace('up,', 'op,')}`,
    },
    expected: [
      'routes/a.yaml:2:50 error: routes[0].methods: must be a list (methods: [GET])',
      'routes/b.yaml:2:25 error: routes[0].upstream: there is no upstream "op" (did you mean "up"?)',
    ],
  },
  {
    name: 'a reference of an included file',
    files: { 'routes/a.yaml': `routes:\n${route('/a')}${route("'${NONE}'")}` },
    expected: [
      'routes/a.yaml:3:11 error: routes[1].path: the variable NONE is not set (set it, or give a default: ${NONE:-...})',
    ],
  },
  {
    name: 'what cannot be included',
    files: { 'routes/a.yaml': `listen: { port: 1 }\nroutes:\n${route('/a')}` },
    expected: [
      'routes/a.yaml:1:1 error: listen cannot be included (an included file holds issuers, routes, upstreams; all else stands in the file that includes it)',
    ],
  },
  {
    name: 'an upstream that is there twice',
    files: { 'routes/a.yaml': `routes:\n${route('/a')}upstreams:\n  up: { targets: [http://127.0.0.1:3] }\n` },
    expected: ['routes/a.yaml:4:3 error: upstreams.up: is there twice (the first is gateway.yaml:2)'],
  },
  {
    name: 'a file that is no YAML, beside one that is no mapping',
    files: { 'routes/a.yaml': 'routes: [\n', 'routes/b.yaml': '- 1\n' },
    expected: [
      'routes/a.yaml:1:9 error: this [ is never closed: ] is missing (what it holds must be indented deeper than the line that it begins on)',
      'routes/b.yaml:1:1 error: the file must hold options, each as `name: value`',
    ],
  },
]

for (const { name, files, expected } of FAULTS)
  t.test(`place of a fault: ${name}`, async (t) => {
    const main = `${MAIN}routes:\n${route('/main')}`
    t.same(load(t.testdir({}), { 'gateway.yaml': main, ...files }).told, expected)
  })

const PATTERNS: readonly [include: string, expected: string | RegExp][] = [
  ['[none/*.yaml]', 'gateway.yaml:1:11 error: include[0]: there is no such folder'],
  ['none.yaml', 'none.yaml:1:1 error: there is no such file'],
  ["'${D}/a.yaml'", 'gateway.yaml:1:10 error: include: cannot hold a reference (write the path itself)'],
  ["'*/a.yaml'", 'gateway.yaml:1:10 error: include: may have one *, in the last part of the path (as routes/*.yaml)'],
  ['routes/*.json', 'gateway.yaml:1:10 warning: include: no file has such a name'],
  ['routes', 'routes:1:1 error: this is a directory'],
  ['7', /^gateway.yaml:1:10 error: include: must be text or a list /],
]

for (const [include, expected] of PATTERNS)
  t.test(`include: ${include}`, async (t) => {
    const main = `${MAIN.replace('routes/*.yaml', include)}routes:\n${route('/main')}`
    t.match(load(t.testdir({}), { 'gateway.yaml': main }, { D: 'd' }).told, [expected])
  })

t.test('top-level keys with x- hold anchors, each file its own', async (t) => {
  const loaded = load(t.testdir({}), {
    'gateway.yaml': `x-common: &common { upstream: up, auth: none }\n${MAIN}routes: [{ <<: *common, path: /main }]\n`,
    'routes/a.yaml':
      'x-common: &common { upstream: up, auth: none, timeout: 3s }\nroutes: [{ <<: *common, path: /a }]\n',
  })
  t.same(
    loaded.told,
    ['routes/a.yaml:1:47 error: unknown key "timeout" (did you mean "timeouts"?)'],
    'the option of the anchor',
  )
})
