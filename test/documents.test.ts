import t from 'tap'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { loadConfig } from '../gateway/src/config/load.ts'
import { runCli } from './support/run-cli.ts'

const ROOT = new URL('..', import.meta.url).pathname
const NOT_OURS = new Set(['node_modules', 'dist', 'data', '.tap', '.git'])

function markdownFiles(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : markdownFiles(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

const documents = markdownFiles().sort()
const text = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const FENCE = /^```(\w*)\n([^]*?)^```/gm

/** The document as readers see it: what stands in code is no link and no heading. */
const prose = (markdown: string) =>
  markdown.replace(FENCE, '').replace(/``[^\n]+?``|`[^`\n]+`/g, (code) => code.replace(/[[\]()]/g, ''))

/** The anchors that GitHub gives to headings: lower case, blanks as `-`, other signs left out, a number for the second of a name. */
function anchorsOf(markdown: string): Set<string> {
  const seen = new Map<string, number>()
  return new Set(
    [...prose(markdown).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
      const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      const slug = plain
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-')
      const before = seen.get(slug) ?? 0
      seen.set(slug, before + 1)
      return before === 0 ? slug : `${slug}-${before}`
    }),
  )
}

/** The lines of a document that are commands: indented ones, and those behind a prompt. */
function commandsOf(markdown: string): string[] {
  const fenced = [...markdown.matchAll(FENCE)].flatMap(([, language, body = '']) =>
    language === 'console' ? [...body.matchAll(/^\$ (.+)$/gm)].map(([, line = '']) => line) : [],
  )
  const indented = [...markdown.replace(FENCE, '').matchAll(/^ {4}(.+)$/gm)].map(([, line = '']) => line)
  return [...fenced, ...indented, ...[...prose(markdown).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)]
}

interface Call {
  readonly document: string
  readonly call: string
  /** Such as `token sign`. */
  readonly command: string
}

function callsOf(document: string): Call[] {
  const lines = commandsOf(text(document))
  return lines.flatMap((line) =>
    [...line.matchAll(/\btollgate ([a-z]+)(?: ([a-z]+))?(?: [^|,;#`]*)?/g)].map(([call, name = '', second = '']) => {
      const command = ['token', 'keys'].includes(name) ? `${name} ${second}`.trim() : name
      return { document, call, command }
    }),
  )
}

const calls = documents.flatMap(callsOf)
// Before the first test, as it takes over standard output, where results of tests go.
const helps = new Map<string, string>()
for (const command of new Set(calls.map(({ command }) => command)))
  helps.set(command, (await runCli(...command.split(' '), '--help')).out)

/** What is wrong with a link of a document, or undefined. */
function faultOf(document: string, link: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return undefined
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? document : join(dirname(document), decodeURIComponent(path))
  if (target.startsWith('..')) return 'leaves the repository'
  if (!existsSync(join(ROOT, target))) return 'is not there'
  if (anchor === undefined || statSync(join(ROOT, target)).isDirectory()) return undefined
  return target.endsWith('.md') && anchorsOf(text(target)).has(anchor) ? undefined : 'has no such heading'
}

const linksOf = (markdown: string) => [
  ...[...prose(markdown).matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)].map(([, link = '']) => link),
  ...[...prose(markdown).matchAll(/^\[[^\]]+\]: (\S+)/gm)].map(([, link = '']) => link),
]

t.test('every relative link of every document leads to a file, and its anchor to a heading', async (t) => {
  t.ok(documents.length > 40 && documents.includes('docs/README.md'), `${documents.length} documents`)
  for (const document of documents)
    for (const link of linksOf(text(document))) t.equal(faultOf(document, link), undefined, `${document}: ${link}`)
})

t.test('a link that leads nowhere is found', async (t) => {
  t.equal(faultOf('README.md', 'docs/none.md'), 'is not there')
  t.equal(faultOf('docs/README.md', '../../elsewhere.md'), 'leaves the repository')
  t.equal(faultOf('README.md', 'docs/operating.md#nothing'), 'has no such heading')
  t.equal(faultOf('README.md', 'docs/operating.md#shutdown'), undefined)
  t.equal(faultOf('docs/operating.md', '#the-admin-listener'), undefined)
  t.equal(faultOf('README.md', 'https://example.com/#x'), undefined)
  t.same(
    [...anchorsOf('# A `b` c\n## See [this](x.md)!\n# A b c\n```\n# no heading\n```\n')],
    ['a-b-c', 'see-this', 'a-b-c-1'],
  )
  t.same(linksOf('[a](b.md) ![c](d.svg "title") `[e](f.md)`\n```\n[g](h.md)\n```\n[i]: j.md\n'), [
    'b.md',
    'd.svg',
    'j.md',
  ])
})

t.test('the README has at most 120 lines, and every page of docs/ is named by it and by the index', async (t) => {
  t.ok(text('README.md').trimEnd().split('\n').length <= 120)
  for (const page of readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md')) {
    t.ok(linksOf(text('README.md')).includes(`docs/${page}`), `README.md names docs/${page}`)
    t.ok(linksOf(text('docs/README.md')).includes(page), `docs/README.md names ${page}`)
  }
})

t.test('a decision is one screen', async (t) => {
  const names = readdirSync(join(ROOT, 'gateway/decisions')).filter((name) => /^\d{4}-/.test(name))
  t.ok(names.length > 30)
  for (const name of names) {
    const lines = text(join('gateway/decisions', name)).trimEnd().split('\n')
    t.ok(lines.length <= 25, `${name} has ${lines.length} lines, at most 25`)
    for (const line of lines) t.ok(line.length <= 140, `${name}: ${line.length} characters, at most 140: ${line}`)
  }
})

t.test('the commands of the documents are there, with the options that they show', async (t) => {
  t.ok(calls.length > 20 && helps.size > 6, `${calls.length} calls of ${helps.size} commands`)
  for (const { document, call, command } of calls) {
    const help = helps.get(command) ?? ''
    t.match(help, `Usage: tollgate ${command}`, `${document}: ${call}`)
    for (const [option] of call.matchAll(/(?<= )--?[a-z][a-z-]*/g)) t.match(help, option, `${document}: ${call}`)
  }
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
  for (const document of documents)
    for (const line of commandsOf(text(document)))
      for (const [, script = ''] of line.matchAll(/npm (?:run )?((?<=run )[\w:]+|start|test)\b/g))
        t.ok(script in scripts, `${document}: npm run ${script}`)
})

t.test('the metrics that the documents name are there', async (t) => {
  const code = readdirSync(join(ROOT, 'gateway/src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => text(join('gateway/src', name)))
    .join('\n')
  for (const document of documents.filter((name) => !name.startsWith('bench/')))
    for (const [, metric = ''] of text(document).matchAll(/`(tollgate_[a-z_]+)/g))
      t.ok(code.includes(`'${metric}'`), `${document}: ${metric}`)
})

t.test('the whole configs of the documents are right', async (t) => {
  let configs = 0
  for (const document of documents)
    for (const [, language, body = ''] of text(document).matchAll(FENCE)) {
      if (language !== 'yaml' || !/^routes:/m.test(body)) continue
      configs += 1
      const loaded = loadConfig(join(ROOT, 'config/shown.yaml'), { env: {}, readFile: () => Buffer.from(body) })
      const errors = loaded.ok ? [] : loaded.errors.map(({ message }) => message)
      // Keys are made by the commands beside the config.
      t.same(
        errors.filter((message) => message !== 'there is no such file'),
        [],
        document,
      )
    }
  t.ok(configs >= 2)
})
