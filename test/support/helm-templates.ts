// Fills in the templates of our own chart, for a machine without Helm: the few forms that they use, and an error for any other.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'

interface Scope {
  readonly root: Readonly<Record<string, unknown>>
  /** What `.` is: the root, or the value of a `with`. */
  readonly dot: unknown
  readonly named: ReadonlyMap<string, string>
}

/** `{{- x -}}` eats the white space beside it. */
function tokensOf(text: string): string[] {
  return text
    .replace(/\s*\{\{-/g, '{{')
    .replace(/-\}\}\s*/g, '}}')
    .split(/(\{\{.*?\}\})/)
}

const indented = (text: string, by: number) => text.replace(/^/gm, ' '.repeat(by))

function valueOf(expression: string, scope: Scope): unknown {
  const [first = '', ...pipes] = expression.split('|').map((part) => part.trim())
  return pipes.reduce((value: unknown, pipe) => applied(pipe, value, scope), termOf(first, scope))
}

function termOf(term: string, scope: Scope): unknown {
  const [name = '', ...args] = term.match(/"[^"]*"|\S+/g) ?? []
  if (name === '.') return scope.dot
  if (name.startsWith('"')) return JSON.parse(name)
  if (name.startsWith('.') && args.length === 0)
    return name
      .slice(1)
      .split('.')
      .reduce((value, member) => (value as Record<string, unknown> | undefined)?.[member], scope.root as unknown)
  if (name === 'include') return filled(scope.named.get(JSON.parse(args[0] ?? '') as string) ?? failed(term), scope)
  if (name === 'toYaml') return stringify(termOf(args[0] ?? '', scope)).trimEnd()
  if (name === 'default') return termOf(args[1] ?? '', scope) || termOf(args[0] ?? '', scope)
  if (name === 'required') return termOf(args[1] ?? '', scope) || failed(args[0] ?? '')
  if (name === 'not') return !termOf(args[0] ?? '', scope)
  return failed(term)
}

function failed(what: string): never {
  throw new Error(`not read by this: ${what}`)
}

function applied(pipe: string, value: unknown, scope: Scope): unknown {
  const [name = '', arg = ''] = pipe.split(' ')
  if (name === 'nindent') return `\n${indented(String(value), Number(arg))}`
  if (name === 'quote') return JSON.stringify(value)
  if (name === 'trunc') return String(value).slice(0, Number(arg))
  if (name === 'trimSuffix') return String(value).replace(new RegExp(`${JSON.parse(arg) as string}$`), '')
  if (name === 'default') return value || termOf(arg, scope)
  return failed(pipe)
}

/** Blocks (`if`, `with`) are filled in or left out; what is between is written. */
function filled(text: string, scope: Scope): string {
  const tokens = tokensOf(text)
  let at = 0
  function block(inner: Scope, isShown: boolean): string {
    let out = ''
    for (; at < tokens.length; at++) {
      const token = tokens[at] ?? ''
      if (!token.startsWith('{{')) out += isShown ? token : ''
      else {
        const expression = token.slice(2, -2).trim()
        if (expression === 'end') return out
        const [, kind, condition = ''] = /^(if|with) (.*)$/.exec(expression) ?? []
        if (kind === undefined) {
          if (isShown) out += String(valueOf(expression, inner))
          continue
        }
        at++
        const value = isShown ? valueOf(condition, inner) : undefined
        const isThere = Array.isArray(value) ? value.length > 0 : Boolean(value)
        out += block(kind === 'with' ? { ...inner, dot: value } : inner, isShown && isThere)
      }
    }
    return out
  }
  return block(scope, true)
}

function namedIn(text: string): ReadonlyMap<string, string> {
  const pattern = /\{\{- define "([^"]+)" -\}\}\n?([^]*?)\n?\{\{- end -\}\}/g
  return new Map([...text.matchAll(pattern)].map(([, name = '', body = '']) => [name, body]))
}

/** The documents of all templates of a chart, as text. `changes` replace values of the first level. */
export function fillTemplates(
  chart: string,
  release: string,
  changes: Readonly<Record<string, unknown>> = {},
): string[] {
  const read = (file: string) => readFileSync(join(chart, file), 'utf8')
  const { appVersion } = parse(read('Chart.yaml')) as { appVersion: string }
  const values = { ...(parse(read('values.yaml')) as object), ...changes }
  const root = { Values: values, Release: { Name: release }, Chart: { AppVersion: appVersion } }
  const scope = { root, dot: root, named: namedIn(read('templates/_names.tpl')) }
  return readdirSync(join(chart, 'templates'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => filled(read(join('templates', name)), scope))
}
