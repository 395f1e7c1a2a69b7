// Parses and writes JSON without loss of digits in numbers, at any depth. Parsed values are frozen.
import { ExactNumber, readNumber } from './exact-number.ts'

/** Tokens of valid JSON; between them are only commas, colons and white space. */
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
    // An assignment to `__proto__` would change the prototype.
    Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true })
  else container[name] = value
}

/**
 * Returns the frozen result of JSON.parse, with an ExactNumber for each number that a double would alter. The text must be an
 * object or array that JSON.parse accepts. It does not recurse, because the sender chooses the depth.
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

/** Returns the text of JSON.stringify, with the digits of each ExactNumber. It ignores toJSON. */
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
