import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'

import { loadConfig } from '../../gateway/src/config/load.ts'

const GOOD = 'upstreams: { up: { targets: [http://127.0.0.1:1] } }\nroutes: [{ path: /, upstream: up, auth: none }]\n'
const SAMPLE = readFileSync(new URL('../../config/gateway.yaml', import.meta.url), 'utf8')

function load(file: string) {
  return loadConfig(file, { env: {} })
}

t.test('files that hold no config are one clear error with a place', async (t) => {
  const bomb = [
    'a: &a [1,2,3,4,5,6,7,8,9]',
    ...'bcdefghi'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index]}`).join()}]`),
  ].join('\n')
  const cases: readonly [string, string | Buffer, RegExp, [number, number]?][] = [
    ['an empty file', '', /the file is empty/],
    ['comments alone', '# nothing\n', /the file is empty/],
    ['text', 'hello', /must hold options/],
    ['a list', '- a', /must hold options/],
    ['two MiB', Buffer.alloc(2_097_152, 'a'), /the file is too large/],
    ['latin1', Buffer.from('a: caf\xe9', 'latin1'), /not UTF-8/],
    ['an alias bomb', bomb, /too many aliases/],
    ['an alias of nothing', 'a: *b', /alias/],
    ['a tab as indentation', 'a:\n\tb: 1', /a tab cannot indent/, [2, 1]],
    ['a key twice', 'a: 1\nb: 2\na: 3', /this key is there twice/, [3, 1]],
    ['two documents', 'a: 1\n---\nb: 2', /more than one document/, [2, 1]],
    ['an unknown tag', 'a: !!js/function x', /this tag is not known/, [1, 4]],
    ['a tag for what is no option', 'a: !!set { b }', /this tag is not known/, [1, 10]],
    ['an alias inside of what it names', 'a: &a [*a]', /inside of what it names/, [1, 8]],
    ['too many aliases', `a: &a 1\nb: [${'*a,'.repeat(2001)}]`, /too many aliases/],
    [
      '80000 keys, one of them twice',
      `${Array.from({ length: 80_000 }, (_, i) => `k${i}: 1`).join('\n')}\nk7: 1`,
      /twice/,
    ],
    ['brackets without end', `a: ${'['.repeat(100_000)}`, /nested too deeply/],
    ['a quote without end', 'a: "b', /the closing quote is missing/, [1, 4]],
    ['a word without a colon', 'a: 1\nb\n', /must be on one line, with its colon|a colon is missing/, [2, 1]],
    ['an open bracket', 'a: [1', /\] is missing/],
  ]
  for (const [title, content, message, place] of cases) {
    const file = join(t.testdir({}), 'c.yaml')
    writeFileSync(file, content)
    const loaded = load(file)
    t.equal(loaded.ok, false, title)
    if (loaded.ok) continue
    const [first] = loaded.errors
    t.match(first?.message, message, title)
    if (place !== undefined) t.same([first?.line, first?.column], place, title)
  }
})

t.test('a directory and a file that is not there are told apart', async (t) => {
  t.match(load(t.testdir({})), { ok: false, errors: [{ message: 'this is a directory', line: 1, column: 1 }] })
  t.match(load('/no/such/file.yaml'), { ok: false, errors: [{ message: 'there is no such file' }] })
})

t.test('a byte order mark and Windows line ends do not matter, and places are counted right', async (t) => {
  const file = join(t.testdir({}), 'c.yaml')
  writeFileSync(file, `\uFEFF${GOOD.replaceAll('\n', '\r\n')}`)
  t.equal(load(file).ok, true)
  writeFileSync(file, `\uFEFF${`listen: {}\nlisten2: {}\n${GOOD}`.replaceAll('\n', '\r\n')}`)
  t.match(load(file), { ok: false, errors: [{ line: 2, column: 1, sourceLine: 'listen2: {}' }] })
})

t.test('a loaded config is frozen, with defaults filled in, and durations and sizes as numbers', async (t) => {
  const file = join(t.testdir({}), 'c.yaml')
  writeFileSync(file, GOOD)
  const loaded = load(file)
  if (!loaded.ok) throw new Error('it must load')
  t.match(loaded.config, {
    listen: [{ host: '127.0.0.1', port: 8080 }],
    limits: { bodyBytes: 10_485_760, requestTimeout: 60_000 },
    upstreams: { up: { connections: 128, timeouts: { connect: 2000 } } },
  })
  t.throws(() => Object.assign(loaded.config.listen[0] ?? {}, { port: 1 }), TypeError)
})

t.test(
  'whatever is done to the sample file: no exception, and every problem has a place inside the file',
  async (t) => {
    const file = join(t.testdir({}), 'c.yaml')
    const lines = SAMPLE.split('\n')
    const piece = fc.constantFrom(
      '',
      ':',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '&a ',
      '*a',
      '${X}',
      '"',
      "'",
      '#',
      '\t',
      '  ',
      '!!x ',
      '<<: ',
      '~',
      'null',
      '1e999',
      '|',
      '>',
      '\u0000',
      '%',
      '@',
    )
    const edit = fc.record({ line: fc.nat(lines.length - 1), column: fc.nat(80), remove: fc.nat(12), insert: piece })
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const changed = [...lines]
        for (const { line, column, remove, insert } of edits) {
          const text = changed[line] ?? ''
          changed[line] = text.slice(0, column) + insert + text.slice(column + remove)
        }
        writeFileSync(file, changed.join('\n'))
        const loaded = load(file)
        for (const { line, column, message } of loaded.ok ? loaded.warnings : loaded.errors) {
          if (
            line < 1 ||
            line > changed.length ||
            column < 1 ||
            column > (changed[line - 1]?.length ?? 0) + 1 ||
            message === ''
          )
            throw new Error(`${line}:${column} ${message}`)
        }
      }),
      { numRuns: 300 },
    )
  },
)
