import t from 'tap'
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { parseDocument, visit } from 'yaml'

import { formatProblem } from '../../gateway/src/config/format-problem.ts'
import { loadConfig, type LoadedConfig } from '../../gateway/src/config/load.ts'

const CONFIG = new URL('../../config/', import.meta.url)
const UPSTREAM = 'upstreams: { up: { targets: [http://127.0.0.1:1] } }\n'
const ROUTE = 'routes: [{ path: /, upstream: up, auth: none }]\n'

/** Loads files that are in memory. */
function load(files: Record<string, string | Buffer>, env: Record<string, string> = {}): LoadedConfig {
  return loadConfig('/c/gateway.yaml', {
    env,
    readFile(path) {
      const content = files[path]
      if (content === undefined) throw Object.assign(new Error(), { code: 'ENOENT' })
      return Buffer.from(content)
    },
  })
}

function told(loaded: LoadedConfig): string {
  return [...(loaded.ok ? [] : loaded.errors), ...loaded.warnings].map(formatProblem).join('\n')
}

t.test('a problem is a line that editors can jump to, and shows the place', async (t) => {
  const config = `upstreams:\n  things:\n    targets: [http://127.0.0.1:3001]\n    timeuot: { connect: 2s }\n${ROUTE.replace('up,', 'things,')}`
  t.equal(
    told(load({ '/c/gateway.yaml': config })),
    [
      '/c/gateway.yaml:4:5 error: unknown key "timeuot" (did you mean "timeouts"?)',
      '    4 |     timeuot: { connect: 2s }',
      '      |     ^',
    ].join('\n'),
  )
})

t.test('characters that a terminal would obey are not sent to it', async (t) => {
  t.notMatch(told(load({ '/c/gateway.yaml': 'a: "\u001b[2J"\n' })), /\u001b/)
})

t.test('references are read from the environment and from files beside the config', async (t) => {
  const config = `issuers:
  - { name: '\${NAME}', issuer: i, audiences: ['\${A:-}b'], algorithms: [HS256], keys: { secret: { value: '\${file:s/key}' } } }
listen: { port: '\${PORT:-8080}' }
errors: { detail: '\${DETAIL}', realm: '$\${NAME} \${NAME}-\${PORT:-1}' }
${UPSTREAM}${ROUTE}`
  const loaded = load(
    { '/c/gateway.yaml': config, '/c/s/key': 'two lines of 32 bytes or more\nand an end\n' },
    { NAME: 'n', DETAIL: 'false' },
  )
  t.match(loaded, {
    ok: true,
    config: {
      listen: [{ port: 8080 }],
      errors: { detail: false, realm: '${NAME} n-1' },
      issuers: [
        { name: 'n', audiences: ['b'], keys: { secret: { value: 'two lines of 32 bytes or more\nand an end' } } },
      ],
    },
  })
})

t.test('a secret that is no text, and one without end, are errors that name the file', async (t) => {
  const config = `errors: { realm: '\${file:bytes}' }\nlisten: { host: '\${file:/dev/zero}' }\n${UPSTREAM}${ROUTE}`
  t.match(load({ '/c/gateway.yaml': config, '/c/bytes': Buffer.from([0xff, 0xfe]) }), {
    errors: [{ path: 'errors.realm', message: '${file:bytes}: the file is not UTF-8 text' }, {}],
  })
  const dir = t.testdir({ 'c.yaml': config })
  t.match(loadConfig(`${dir}/c.yaml`, { env: {} }), {
    errors: [{ line: 1 }, { line: 2, message: '${file:/dev/zero}: the file is too large' }],
  })
  t.match(loadConfig('/dev/zero', { env: {} }), { errors: [{ message: 'the file is too large', line: 1, column: 1 }] })
})

t.test('a hundred routes may share one anchor, and each gets the durations as numbers', async (t) => {
  const routes = Array.from(
    { length: 120 },
    (_, i) => `  - { path: /${i}, upstream: up, auth: none, timeouts: ${i === 0 ? '&t { headers: 5s }' : '*t'} }`,
  )
  const loaded = load({ '/c/gateway.yaml': `${UPSTREAM}routes:\n${routes.join('\n')}\n` })
  if (!loaded.ok) throw new Error(told(loaded))
  t.ok(loaded.config.routes.every(({ timeouts }) => timeouts?.headers === 5000))
})

t.test('files are named relative to the config, and absolute in the result', async (t) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const dir = t.testdir({
    'key.pem': publicKey.export({ type: 'spki', format: 'pem' }) as string,
    'c.yaml': `issuers: [{ name: a, issuer: i, audiences: [a], algorithms: [ES256], keys: { pemFile: ./key.pem } }]\n${UPSTREAM}${ROUTE}`,
  })
  t.match(loadConfig(`${dir}/c.yaml`, { env: {} }), { config: { issuers: [{ keys: { pemFile: `${dir}/key.pem` } }] } })
})

t.test('the result is frozen to its innermost part', async (t) => {
  const loaded = load({ '/c/gateway.yaml': UPSTREAM + ROUTE })
  if (!loaded.ok) throw new Error(told(loaded))
  const thawed: string[] = []
  function look(value: unknown, path: string): void {
    if (typeof value !== 'object' || value === null) return
    if (!Object.isFrozen(value)) thawed.push(path)
    for (const [key, member] of Object.entries(value)) look(member, `${path}.${key}`)
  }
  look(loaded.config, 'config')
  t.same(thawed, [])
})

// Attack: whoever reads the log of a failed start learns what ${SECRET} stands for. Amplifier: logs are kept and shipped.
// Defence: messages show values as the file spells them. Every scalar of every config we ship takes its turn.
t.test('no message tells what a reference stands for, wherever it stands', async (t) => {
  const values = [
    'zq7',
    'ZQ7zq7',
    '/:zq7',
    'http://zq7/zq7',
    'http://user:zq7@h',
    'x-forwarded-zq7',
    'HSzq7',
    ':zq7',
    '7zq7',
  ]
  const examples = readdirSync(new URL('examples/', CONFIG)).filter((name) => name.endsWith('.yaml'))
  let runs = 0
  for (const name of ['gateway.yaml', ...examples.map((example) => `examples/${example}`)]) {
    const text = readFileSync(new URL(name, CONFIG), 'utf8')
    const places: [number, number][] = []
    visit(parseDocument(text), {
      Scalar(key, { range }) {
        if (key !== 'key' && range) places.push([range[0], range[1]])
      },
    })
    for (const [start, end] of places) {
      const changed = `${text.slice(0, start)}"\${SECRET}"${text.slice(end)}`
      for (const value of values) {
        const loaded = load({ '/c/gateway.yaml': changed }, { SECRET: value })
        runs += 1
        const output = JSON.stringify([loaded.ok ? [] : loaded.errors, loaded.warnings]) + told(loaded)
        if (/zq7/i.test(output)) t.fail(`${name} at ${start}: ${output}`)
      }
    }
  }
  t.ok(runs > 1000, `${runs} places and values`)
})

// A guard for whoever adds an option: secrets in the file itself are known by `writeOnly`, files by `format: file-path`.
t.test('a secret written into the file is in no message, whatever else is wrong around it', async (t) => {
  const config = `issuers: [{ name: a, algorithms: [HS256], keys: { secret: { value: "hunter2" } } }]\n${UPSTREAM}${ROUTE}`
  for (let at = 0; at < config.indexOf('\n'); at += 1) {
    for (const insert of ['}', ']', '{', '[', '"', ': ', ', ', '#', '*', '&', '!', '%', '|', '\t', ' x ', '\n', '- ']) {
      const changed = config.slice(0, at) + insert + config.slice(at)
      if (/secret: \{ value: "hunter2"/.test(changed) && /hunter2/.test(told(load({ '/c/gateway.yaml': changed }))))
        t.fail(JSON.stringify(changed))
    }
  }
})

t.test('a secret that looks like a reference is in no message', async (t) => {
  const looks = [
    '${A B zq7}',
    '${A:=zq7}',
    '${zq7-x}',
    '${9zq7}',
    'x${ zq7}y',
    '${zq7 }${A',
    '${A B:-zq7}',
    '${A zq7',
    '$${zq7}${-}',
  ]
  for (const value of looks) {
    const keys = `{ name: a, issuer: i, algorithms: [HS256], keys: { secret: { value: '${value}', encoding: no } } }`
    const loaded = load({ '/c/gateway.yaml': `issuers: [${keys}]\nadmin: { token: '${value}' }\n${UPSTREAM}${ROUTE}` })
    t.notOk(loaded.ok, value)
    t.notMatch(told(loaded) + JSON.stringify(loaded.ok ? [] : loaded.errors), /zq7/, value)
  }
})
