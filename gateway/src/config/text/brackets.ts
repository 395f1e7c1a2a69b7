// Finds unclosed brackets and brackets that close nothing. The parser reports them far behind the mistake.
import { CST, Lexer } from 'yaml'

import type { DocumentFault } from './document-checks.ts'
import { TAB_AS_INDENT } from './syntax-words.ts'

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' }

const EMPTY_TOKENS: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR])

interface Opened {
  readonly offset: number
  readonly bracket: string
}

const MAX_SHOWN = 5

function shown(missing: readonly string[]): string {
  return missing.length > MAX_SHOWN ? `${missing.length} brackets` : missing.join(' ')
}

/** Reports the innermost bracket, at which the writing probably stopped. The outer brackets are unclosed as well. */
function unclosed(opened: readonly Opened[]): readonly DocumentFault[] {
  const last = opened.at(-1)
  if (last === undefined) return []
  const missing = opened.map(({ bracket }) => CLOSING[bracket] ?? '').toReversed()
  const words = missing.length === 1 ? `${missing[0]} is missing` : `${shown(missing)} are missing`
  const hint = 'what it holds must be indented deeper than the line that it begins on'
  return [{ offset: last.offset, message: `this ${last.bracket} is never closed: ${words}`, hint }]
}

/** `upstreams { up: ... }`: without a colon, the bracket is part of the text before it. */
function colonMissing(text: string, closerAt: number): DocumentFault | undefined {
  const start = text.lastIndexOf('\n', closerAt - 1) + 1
  const found = /^ *(?:- +)?[A-Za-z_][\w-]*( +[[{])/.exec(text.slice(start, closerAt))
  if (found === null) return undefined
  return {
    offset: start + found[0].length - 1,
    message: 'a colon is missing before this bracket',
    hint: 'options are written as `name: value`',
  }
}

function closesNothing(text: string, offset: number, open: Opened | undefined): DocumentFault {
  const bracket = text[offset] ?? ''
  if (open === undefined)
    return (
      colonMissing(text, offset) ?? {
        offset,
        message: `this ${bracket} closes nothing: what stands before it has ended already`,
      }
    )
  return { offset, message: `this ${bracket} closes nothing: open is the ${open.bracket} before it` }
}

/** The parser reads a line with a tab as not indented. */
function tabInIndent(text: string, offset: number): DocumentFault | undefined {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const tab = /^ *(?=\t)/.exec(text.slice(start))
  return tab === null ? undefined : { offset: start + tab[0].length, ...TAB_AS_INDENT }
}

/** Returns each mistake once, in the order of the file. `end` is the offset of an unclosed quote; brackets after it are ignored. */
export function bracketFaults(text: string, end = Infinity): readonly DocumentFault[] {
  const faults: DocumentFault[] = []
  let open: Opened[] = []
  // After a wrong bracket nothing is certain until all brackets are closed.
  let isLost = false

  function close(token: string, offset: number): void {
    const at = open.findLastIndex(({ bracket }) => CLOSING[bracket] === token)
    const found = at >= 0 ? unclosed(open.slice(at + 1)) : [closesNothing(text, offset, open.at(-1))]
    // After an unclosed bracket, this one may close it in a line that is not indented enough.
    const isFollowUp = isLost || (open.length === 0 && faults.length > 0)
    if (!isFollowUp) faults.push(...found)
    if (at >= 0) open = open.slice(0, at)
    isLost = open.length > 0 && (isLost || found.length > 0)
  }

  function leave(offset: number): void {
    const tab = tabInIndent(text, offset)
    if (!isLost && open.length > 0) faults.push(...(tab === undefined ? unclosed(open) : [tab]))
    open = []
    isLost = false
  }

  let offset = 0
  let isScalar = false
  for (const token of new Lexer().lex(text)) {
    if (offset >= end) return faults
    if (token === CST.FLOW_END) leave(offset)
    else if (!isScalar && CLOSING[token] !== undefined) open.push({ offset, bracket: token })
    else if (!isScalar && (token === '}' || token === ']')) close(token, offset)
    isScalar = token === CST.SCALAR
    if (!EMPTY_TOKENS.has(token)) offset += token.length
  }
  leave(offset)
  return faults
}
