import t from 'tap'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

const ROOT = new URL('..', import.meta.url).pathname
const SRC = join(ROOT, 'gateway/src')
const STAGES = ['accept', 'authenticate', 'authorize', 'forward', 'renew', 'revoke']
const FRAMEWORKS = /^(fastify|@fastify\/.*|undici|pino|prom-client)$/

function filesOf(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(directory, name))
    .sort()
}

const sources = filesOf('gateway/src')
const text = (file: string) => readFileSync(join(ROOT, file), 'utf8')

interface Import {
  readonly target: string
  readonly typeOnly: boolean
}

function importsOf(file: string): Import[] {
  const pattern = /^(?:import|export) (type )?([^;]*?)from '([^']+)'/gms
  return [...text(file).matchAll(pattern)].map(([, typeKeyword, names = '', specifier = '']) => {
    const members =
      /\{([^}]*)\}/
        .exec(names)?.[1]
        ?.split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '') ?? []
    const typeOnly =
      typeKeyword !== undefined || (members.length > 0 && members.every((name) => name.startsWith('type ')))
    return { target: specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier, typeOnly }
  })
}

const stageOf = (file: string) => STAGES.find((stage) => file.startsWith(`gateway/src/${stage}/`))

t.test('no stage imports another stage’s code, and those that decide know no framework', async (t) => {
  for (const file of sources) {
    const stage = stageOf(file)
    if (stage === undefined) continue
    for (const { target, typeOnly } of importsOf(file)) {
      const other = stageOf(target)
      t.ok(other === undefined || other === stage || typeOnly, `${file} imports ${target}`)
      if (stage === 'authenticate' || stage === 'authorize')
        t.notOk(FRAMEWORKS.test(target), `${file} imports ${target}`)
    }
  }
})

t.test('failure.ts is a leaf', async (t) => {
  t.same(importsOf('gateway/src/failure.ts'), [])
})

t.test('there is no import cycle, types included', async (t) => {
  const all = [
    ...sources,
    ...filesOf('sample-backend/src'),
    ...filesOf('bench').filter((file) => !file.includes('/dist/')),
  ]
  const graph = new Map(all.map((file) => [file, importsOf(file).map(({ target }) => target)]))
  const done = new Set<string>()
  function visit(file: string, trail: readonly string[]): void {
    if (trail.includes(file)) t.fail(`cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}`)
    if (trail.includes(file) || done.has(file)) return
    for (const target of graph.get(file) ?? []) if (graph.has(target)) visit(target, [...trail, file])
    done.add(file)
  }
  for (const file of all) visit(file, [])
})

t.test('every file has a caption, at most 250 lines, and a name of its own', async (t) => {
  for (const file of [...sources, ...filesOf('sample-backend/src')]) {
    const lines = text(file).split('\n')
    t.match(lines[0], /^\/\/ .+[.?:!]$/, `${file} starts with its caption`)
    t.ok(lines.length <= 251, `${file} has ${lines.length} lines`)
    t.notMatch(file, /(^|\/)(utils?|helpers?|common|misc|index)(\.|\/)/, `${file} has a name`)
    t.notMatch(text(file), /export default|TODO|FIXME/, file)
  }
})

t.test(
  'the map in gateway/README.md names exactly the rooms there are, and each file begins with what it is for',
  async (t) => {
    const map = text('gateway/README.md')
    const table = map.slice(map.indexOf('## The rooms'), map.indexOf('## Glossary'))
    const named = [...table.matchAll(/^\| `([^`]+)` \| .+ \|$/gm)].map(([, room]) => room)
    const rooms = [...new Set(sources.map((file) => dirname(relative(SRC, join(ROOT, file)))))]
    t.same([...named].sort(), rooms.sort())
    for (const file of sources) t.match(text(file), /^\/\/ .+[.:?]\n/, file)
    for (const [file = ''] of map.matchAll(/\b[\w-]+(\/[\w-]+)+\.ts\b/g))
      t.ok(sources.includes(`gateway/src/${file}`), `${file} is there`)
  },
)

t.test('the index of decisions names each, and each names files that are there', async (t) => {
  const folder = 'gateway/decisions'
  const names = readdirSync(join(ROOT, folder)).filter((name) => /^\d{4}-/.test(name))
  const wanted = names.sort().map((name) => {
    const [, number, title] = /^# (\d{4}) (.+)$/m.exec(text(join(folder, name))) ?? []
    t.equal(number, name.slice(0, 4), `${name} begins with its number and title`)
    return `- [${number}](${name}) ${title}`
  })
  t.same(text(join(folder, 'README.md')).match(/^- .+$/gm), wanted)
  const files = [...sources, ...filesOf('test'), ...filesOf('bench'), ...filesOf('sample-backend/src')]
  for (const name of names)
    for (const [, file = ''] of text(join(folder, name)).matchAll(/`([\w/.-]+\.ts)`/g))
      t.ok(
        files.some((path) => `/${path}`.endsWith(`/${file}`)),
        `${name}: ${file}`,
      )
})

t.test('the stages are joined on one screen, each by its one door', async (t) => {
  const joined = text('gateway/src/gateway/gateway.ts')
  t.ok(joined.split('\n').length <= 111, `gateway.ts has ${joined.split('\n').length} lines`)
  const doors = ['Admission', 'Authentication', 'Authorization', 'Forwarding', 'Renewals', 'Revocation']
  for (const door of doors) {
    const makers = sources.filter((file) => text(file).includes(`export function create${door}(`))
    t.equal(makers.length, 1, `create${door} is in one file`)
    t.ok(stageOf(makers[0] ?? ''), `create${door} is in a stage`)
    t.match(joined, `create${door}(`, `gateway.ts calls create${door}`)
  }
})

t.test('a token location has one type: nothing is generic in it', async (t) => {
  for (const file of sources) t.notMatch(text(file), /<Location\b/, file)
})

/** Imports, types included, only go down. Rooms of one floor do not know each other. */
const FLOORS = [
  ['failure.ts', 'clock.ts', 'message'],
  ['options'],
  ['authenticate'],
  ['accept', 'authorize', 'revoke'],
  ['forward', 'renew'],
  ['config', 'observe'],
  ['gateway'],
  ['operate'],
]

t.test('imports only go down the floors', async (t) => {
  const roomOf = (file: string) => relative(SRC, join(ROOT, file)).split('/')[0] ?? ''
  const floorOf = (room: string) => FLOORS.findIndex((floor) => floor.includes(room))
  for (const file of sources) {
    const room = roomOf(file)
    t.not(floorOf(room), -1, `${room} has a floor`)
    for (const { target } of importsOf(file)) {
      if (!target.startsWith('gateway/src/')) continue
      const other = roomOf(target)
      t.ok(other === room || floorOf(other) < floorOf(room) || floorOf(room) === 0, `${file} imports ${target}`)
    }
  }
})

t.test('no room has more than 14 entries', async (t) => {
  for (const room of ['.', ...readdirSync(SRC, { recursive: true, encoding: 'utf8' })]) {
    if (!statSync(join(SRC, room)).isDirectory()) continue
    t.ok(readdirSync(join(SRC, room)).length <= 14, room)
  }
})

t.test('exactly one copy of each package that security depends on, at or above the safe version', async (t) => {
  const lock = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { version?: string; dev?: boolean; hasInstallScript?: boolean; resolved?: string }>
  }
  const least: Record<string, string> = {
    fastify: '5.12.8',
    '@fastify/http-proxy': '11.6.3',
    '@fastify/reply-from': '12.6.5',
    'fast-jwt': '6.3.6',
    undici: '7.30.2',
    'lru-cache': '11.5.3',
  }
  for (const [name, version] of Object.entries(least)) {
    const copies = Object.entries(lock.packages).filter(
      ([path, { dev }]) => dev !== true && (path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`)),
    )
    t.equal(copies.length, 1, `${name}: ${copies.map(([path]) => path).join()}`)
    t.ok(
      (copies[0]?.[1].version ?? '').localeCompare(version, 'en', { numeric: true }) >= 0,
      `${name} ${copies[0]?.[1].version}`,
    )
  }
  // It declares one that compiles where none of its binaries fits; they are in the package, and .npmrc runs no script at all.
  t.same(
    Object.entries(lock.packages).flatMap(([path, { hasInstallScript }]) => (hasInstallScript === true ? [path] : [])),
    // protobufjs, which comes with the library of gRPC for tests, would only compare version numbers.
    ['node_modules/classic-level', 'node_modules/protobufjs'],
    'no package needs an install script',
  )
  t.match(text('.npmrc'), /^ignore-scripts=true$/m)
  for (const platform of ['linux-x64', 'linux-arm64', 'darwin-x64+arm64', 'win32-x64'])
    t.ok(
      readdirSync(join(ROOT, 'node_modules/classic-level/prebuilds', platform)).some((name) => name.endsWith('.node')),
      `classic-level has a binary for ${platform}`,
    )
  t.same(
    Object.values(lock.packages).flatMap(({ resolved }) => (resolved?.startsWith('http') === true ? [resolved] : [])),
    [],
    'no registry address',
  )
})
