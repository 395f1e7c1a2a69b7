import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { temporaryDirectory } from '../support/gateway-process.ts'

const ROOT = new URL('../..', import.meta.url).pathname

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin: Readonly<Record<string, string>>
  readonly engines: { readonly node: string }
  readonly dependencies: Readonly<Record<string, string>>
  readonly publishConfig: object
}

/** The tarball as npm would unpack it, with the dependencies that its manifest declares and no others. */
const home = temporaryDirectory(t)
const packed = execFileSync(process.execPath, [join(ROOT, 'deploy/package/make-package.mjs'), join(home, 'made')], {
  encoding: 'utf8',
}).trim()
const installed = join(home, 'app/node_modules/tollgate')
mkdirSync(installed, { recursive: true })
execFileSync('tar', ['-xzf', packed, '-C', installed, '--strip-components=1'])
const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest
for (const name of Object.keys(manifest.dependencies)) {
  const link = join(home, 'app/node_modules', name)
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules', name), link)
}

const files = readdirSync(installed, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1))
const content = (file: string) => readFileSync(join(installed, file), 'utf8')

t.test(
  'the package has what runs and its documents: no tests, no sources, no maps, nothing that was removed',
  async (t) => {
    const tops = new Set(files.map((file) => file.split('/')[0]))
    for (const top of ['LICENSE', 'README.md', 'bin', 'config', 'dist', 'docs', 'package.json'])
      t.ok(tops.has(top), top)
    for (const top of tops)
      t.match(top, /^(LICENSE|README\.md|CHANGELOG\.md|SECURITY\.md|bin|config|dist|docs|package\.json)$/)
    const compiled = files.filter((file) => file.startsWith('dist/'))
    const sourceOf = (file: string) => `gateway/src/${file.slice(5).replace(/(\.d\.ts|\.js)$/, '.ts')}`
    t.ok(compiled.length > 200, `${compiled.length} modules`)
    t.same(
      files.filter((file) => /\.(test\.|map$|tsbuildinfo$)|(?<!\.d)\.ts$/.test(file)),
      [],
    )
    t.same(
      compiled.filter((file) => content(file).includes('sourceMappingURL')),
      [],
    )
    t.same(
      compiled.filter((file) => !existsSync(join(ROOT, sourceOf(file)))),
      [],
    )
  },
)

t.test('its manifest runs nothing at an install, says what it needs, and shows one module', async (t) => {
  t.notOk('scripts' in manifest || 'private' in manifest || 'devDependencies' in manifest)
  t.match(manifest.engines.node, /^>=20\./)
  t.same(manifest.publishConfig, { access: 'public', provenance: true })
  t.same(Object.keys(manifest.exports), ['.', './config.schema.json', './package.json'])
  const targets = Object.values(manifest.exports).flatMap((one) =>
    typeof one === 'string' ? [one] : Object.values(one),
  )
  for (const target of [...targets, ...Object.values(manifest.bin)])
    t.ok(files.includes(target.replace('./', '')), `${target} is in it`)
  // Its types stand alone: no types of dependencies are needed to use it.
  t.notMatch(content('dist/operate/embed/create-gateway.d.ts'), /\bimport\b/)
})

t.test('no link of its documents leads out of it', async (t) => {
  let links = 0
  for (const file of files.filter((name) => name.endsWith('.md')))
    for (const [, target = ''] of content(file).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:|^#/i.test(target)) continue
      links += 1
      t.ok(existsSync(join(installed, dirname(file), target.replace(/#.*/, ''))), `${file}: ${target}`)
    }
  t.ok(links > 20, `${links} links`)
})

function run(...args: string[]) {
  return spawnSync(process.execPath, args, { cwd: join(home, 'app'), encoding: 'utf8', env: {}, timeout: 60_000 })
}

const BIN = 'node_modules/tollgate/bin/tollgate.js'

t.test('it runs where only its declared dependencies are', async (t) => {
  t.match(run(BIN, '--version'), { status: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
  const example = 'node_modules/tollgate/config/examples/pem-file.yaml'
  t.match(run(BIN, 'check', '-c', example), { status: 0, stdout: /is right/ })
  t.match(run(BIN, 'init', '--yes'), { status: 0, stdout: /written: config.gateway\.yaml/ })
  t.match(run(BIN, 'check', '--strict'), { status: 0, stdout: /is right/ })
})

const USER_PROGRAM = `
import { createServer } from 'node:http'
import { createHmac } from 'node:crypto'
import { ConfigInvalid, createGateway } from 'tollgate'

const backend = createServer((request, response) => response.end(request.headers['x-auth-result'] ?? 'none'))
await new Promise((resolve) => backend.listen(0, '127.0.0.1', resolve))
const secret = 's'.repeat(32)
const lines = []
const gateway = createGateway(
  {
    listen: { port: 0 },
    admin: { port: 0 },
    issuers: [{ name: 'test', issuer: 'me', audiences: ['api'], algorithms: ['HS256'], keys: { secret: { value: '\${SECRET}' } } }],
    upstreams: { api: { targets: ['http://127.0.0.1:' + backend.address().port] } },
    routes: [{ path: '/*', upstream: 'api' }],
  },
  { env: { SECRET: secret }, log: (line) => lines.push(JSON.parse(line)) },
)
const { url, adminUrl } = await gateway.start()
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const input = encode({ alg: 'HS256' }) + '.' + encode({ iss: 'me', aud: 'api', sub: 'alice', exp: Date.now() / 1000 + 60 })
const token = input + '.' + createHmac('sha256', secret).update(input).digest('base64url')
const good = await fetch(url, { headers: { authorization: 'Bearer ' + token } })
const told = JSON.parse(Buffer.from(await good.text(), 'base64url').toString())
const bad = await fetch(url)
const ready = await fetch(adminUrl + '/readyz')
const again = await gateway.start().catch((error) => error.message)
await Promise.all([gateway.stop(), gateway.stop()])
const after = await fetch(url).catch(() => 'closed')
let problems = []
try {
  createGateway({ workers: 2, routes: [] })
} catch (error) {
  problems = error instanceof ConfigInvalid ? error.problems : [String(error)]
}
backend.close()
backend.closeAllConnections()
const served = lines.filter(({ message }) => message === 'request').map(({ status }) => status)
process.stdout.write(JSON.stringify({ good: good.status, subject: told.subject, bad: bad.status, ready: ready.status, again, after, problems, served }))
`

t.test('a program of its own makes a gateway of an object, and the process ends once it is stopped', async (t) => {
  writeFileSync(join(home, 'app/user.mjs'), USER_PROGRAM)
  const { status, stdout, stderr } = run('user.mjs')
  t.equal(status, 0, stderr)
  const told = JSON.parse(stdout) as { problems: string[] }
  t.match(told, { good: 200, subject: 'alice', bad: 401, ready: 200, after: 'closed', served: [200, 401] })
  t.match(told, { again: 'a gateway is started once: make another one' })
  t.ok(told.problems.some((problem) => /upstreams/.test(problem)) && told.problems.length > 1, told.problems.join('; '))
})
