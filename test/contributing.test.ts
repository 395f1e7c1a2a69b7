import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'

import { compileVariant, type Edit } from './support/compile-variant.ts'

const ROOT = new URL('..', import.meta.url).pathname

/** By row of CONTRIBUTING.md: one more member, whose name the compiler says where it refuses. */
const ADDED: Readonly<Record<string, Edit & { readonly member: string }>> = {
  'token location': {
    member: 'added_location',
    file: 'options/tokens.ts',
    find: '    cookie: Type.Optional(',
    replace: "    added_location: Type.Optional(Type.String({ description: 'x' })),\n    cookie: Type.Optional(",
  },
  store: {
    member: 'added_store',
    file: 'options/revocation.ts',
    find: 'LevelStore, RedisStore]',
    replace:
      "LevelStore, RedisStore, Options({ added_store: Type.String({ description: 'x' }) }, { description: 'x' })]",
  },
  'auth mode': {
    member: 'added_mode',
    file: 'options/route/auth-modes.ts',
    find: "'none', 'report-only'",
    replace: "'none', 'added_mode', 'report-only'",
  },
  'failure code': {
    member: 'added_code',
    file: 'failure.ts',
    find: '  token_missing: {',
    replace: "  added_code: { check: 'request', status: 400, title: 'x' },\n  token_missing: {",
  },
  'log field': {
    member: 'added_field',
    file: 'observe/log.ts',
    find: "['kid', 'bytesIn'",
    replace: "['added_field', 'kid', 'bytesIn'",
  },
  'claim check': {
    member: 'added_claim',
    file: 'authenticate/token/claims.ts',
    find: '  readonly requiredClaims: readonly string[]',
    replace: '  readonly requiredClaims: readonly string[]\n  readonly added_claim: string | undefined',
  },
  metric: {
    member: 'added_source',
    file: 'observe/metrics/metric-table.ts',
    find: '  readonly inFlight: { readonly count: number }',
    replace: '  readonly inFlight: { readonly count: number }\n  readonly added_source: () => number',
  },
  command: {
    member: 'added-command',
    file: 'operate/commands/cli.ts',
    find: '  explain: {',
    replace:
      "  added: { description: 'x', add: async (c) => (await import('./added-command.ts')).addAdded(c) },\n  explain: {",
  },
}

interface Row {
  readonly name: string
  readonly files: readonly string[]
  readonly named: readonly string[]
}

const filesIn = (cell: string) => [...cell.matchAll(/`([\w/.-]+\.ts)`/g)].map(([, file = '']) => file).sort()

const rows: readonly Row[] = [
  ...readFileSync(`${ROOT}CONTRIBUTING.md`, 'utf8').matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm),
]
  .slice(1)
  .map(([, name = '', first = '', named = '', more = '']) => ({
    name,
    files: [...filesIn(first), ...filesIn(named), ...filesIn(more)].filter((file) => file.includes('/')),
    named: filesIn(named),
  }))

t.test('the files that CONTRIBUTING.md names are there', async (t) => {
  t.equal(rows.length, 8)
  for (const { name, files } of rows)
    for (const file of files) t.ok(existsSync(`${ROOT}gateway/src/${file}`), `${name}: ${file}`)
})

t.test('what is added to a union is refused by the compiler exactly where CONTRIBUTING.md says', async (t) => {
  const refusals = compileVariant(Object.values(ADDED))
  const members = Object.values(ADDED).map(({ member }) => member)
  t.same(
    refusals.filter(({ text }) => !members.some((member) => text.includes(member))),
    [],
    'nothing else is refused',
  )
  for (const [name, { member }] of Object.entries(ADDED)) {
    const named = refusals.filter(({ text }) => text.includes(member)).map(({ file }) => file)
    t.same([...new Set(named)].sort(), rows.find((row) => row.name === name)?.named, name)
  }
})
