// The requests and field lines that stand as texts in the other tests, and in the cases of reports: they grow with them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const ROOT = new URL('../../..', import.meta.url).pathname
const FOLDERS = ['test/security', 'test/accept', 'test/forward', 'test/end-to-end']
/** What a test puts into its texts is not known here. */
const UNKNOWN = 'x'

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  return node.head.text + node.templateSpans.map(({ literal }) => UNKNOWN + literal.text).join('')
}

function textsOf(file: string): string[] {
  const texts: string[] = []
  const visit = (node: ts.Node): void => {
    const text = textOf(node)
    if (text !== undefined) texts.push(text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ESNext))
  return texts
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.m?ts$/.test(name))
    .map((name) => join(folder, name))
}

/** A text as a message: a whole one, or lines that are put behind a head's first ones. */
function messageOf(text: string): string | undefined {
  if (/^\S+ \S* ?HTTP\//.test(text)) return text.endsWith('\n') || text.includes('\r\n\r\n') ? text : `${text}\r\n\r\n`
  if (!/^[^\s:]{1,60}[ \t]*:/.test(text) && !text.startsWith(' ')) return undefined
  return `POST /x HTTP/1.1\r\nHost: a\r\n${text}${text.includes('\r\n\r\n') ? '' : '\r\n\r\n'}`
}

export function corpusOfTests(): readonly Buffer[] {
  const texts = FOLDERS.flatMap((folder) => filesUnder(join(ROOT, folder))).flatMap(textsOf)
  const messages = new Set(texts.flatMap((text) => messageOf(text) ?? []))
  return [...messages].map((text) => Buffer.from(text, 'latin1'))
}
