// JSON whose numbers keep their digits, at any depth: parsed into frozen values, and written again.
import { ExactNumber, readNumber } from './exact-number.ts'

/** Of JSON that is valid: what lies between these is commas, colons and white space. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]|-?\d[\d.eE+-]*|true|false|null/g

type Container = unknown[] | Record<string, unknown>

function textIn(token: string): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1)
}

function scalarOf(token: string): unknown {
  switch (token.charAt(0)) {
    case '"':
      return textIn(token)
    case 't':
      return true
    case 'f':
      return false
    case 'n':
      return null
    default:
      return readNumber(token)
  }
}

function addTo(container: Container, name: string, value: unknown): void {
  if (Array.isArray(container)) container.push(value)
  else if (name === '__proto__')
    // Assigning would change the prototype instead.
    Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true })
  else container[name] = value
}

/**
 * What JSON.parse makes of the same text, frozen, but for numbers that it would alter: those are ExactNumbers. The text must be an
 * object or array that JSON.parse takes. Without recursion: the depth is the sender's to choose.
 */
export function readExactJson(text: string): object {
  const open: { readonly container: Container; readonly name: string }[] = []
  let container: Container = []
  let name: string | undefined
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '}' || token === ']') {
      const value = Object.freeze(container)
      const outer = open.pop()
      if (outer === undefined) break
      addTo(outer.container, outer.name, value)
      container = outer.container
    } else if (token.startsWith('"') && name === undefined && !Array.isArray(container)) {
      name = textIn(token)
      continue
    } else if (token === '{' || token === '[') {
      open.push({ container, name: name ?? '' })
      container = token === '{' ? {} : []
    } else {
      addTo(container, name ?? '', scalarOf(token))
    }
    name = undefined
  }
  return (container as readonly object[])[0] ?? {}
}

interface Unfinished {
  readonly names: readonly string[] | undefined
  readonly values: readonly unknown[]
  next: number
}

function begin(value: object): Unfinished {
  if (Array.isArray(value)) return { names: undefined, values: value, next: 0 }
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return { names: members.map(([name]) => name), values: members.map(([, member]) => member as unknown), next: 0 }
}

/** What JSON.stringify writes, but for ExactNumbers, which are written as their digits. No toJSON is asked. */
export function writeExactJson(value: unknown, indent = 0): string {
  const open: Unfinished[] = []
  let text = ''
  function newLine(): void {
    if (indent > 0) text += `\n${' '.repeat(indent * open.length)}`
  }
  function write(part: unknown): void {
    if (part instanceof ExactNumber) text += ExactNumber.textOf(part)
    else if (typeof part !== 'object' || part === null) text += JSON.stringify(part ?? null)
    else {
      const container = begin(part)
      const [start, end] = container.names === undefined ? '[]' : '{}'
      if (container.values.length === 0) text += `${start}${end}`
      else {
        text += start
        open.push(container)
      }
    }
  }
  write(value)
  for (let container = open.at(-1); container !== undefined; container = open.at(-1)) {
    const { names, values, next } = container
    if (next === values.length) {
      open.pop()
      newLine()
      text += names === undefined ? ']' : '}'
      continue
    }
    container.next += 1
    if (next > 0) text += ','
    newLine()
    if (names !== undefined) text += `${JSON.stringify(names[next])}:${indent > 0 ? ' ' : ''}`
    write(values[next])
  }
  return text
}
