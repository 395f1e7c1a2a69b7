// Finds syntax errors of YAML: each mistake once, at the position where a person would look for it.
import { visit, type Document, type Scalar, type YAMLError } from 'yaml'

import { bracketFaults } from './brackets.ts'
import type { DocumentFault } from './document-checks.ts'
import {
  BAD_INDENT,
  COLON,
  inWords,
  isQuote,
  OUTSIDE_OF_TEXT,
  REFERENCE,
  SPACE_AFTER_COLON,
  SPACE_AFTER_DASH,
  TAB_AS_INDENT,
  TOO_DEEP,
  type Words,
} from './syntax-words.ts'

const MAX_FAULTS = 10

// After these errors the parser understands nothing.
const LOST: ReadonlySet<string> = new Set(['MULTIPLE_DOCS', 'RESOURCE_EXHAUSTION', 'UNEXPECTED_TOKEN'])

function inOrder(document: Document): readonly YAMLError[] {
  const all: readonly YAMLError[] = [...document.errors, ...document.warnings]
  return all.toSorted((a, b) => a.pos[0] - b.pos[0])
}

/** Returns the offset up to which the text was parsed; undefined when all of it was. */
export function understoodUpTo(document: Document): number | undefined {
  return inOrder(document).find(({ code }) => LOST.has(code))?.pos[0]
}

function findScalar(document: Document, isIt: (type: Scalar.Type, start: number, end: number) => boolean) {
  let found: number | undefined
  visit(document, {
    Scalar(_, { type, range }) {
      if (type !== undefined && range !== null && range !== undefined && isIt(type, range[0], range[2]))
        found = range[0]
    },
  })
  return found
}

/** Returns the offset of an unclosed quote. The parser reports where it stopped, which may be the end of the file. */
function openingQuote(document: Document, offset: number): number {
  const isIt = (type: Scalar.Type, start: number, end: number) =>
    type.startsWith('QUOTE') && start < offset && offset <= end
  return findScalar(document, isIt) ?? offset
}

/** True for a line after a block scalar that is no option of its own. */
function isOutsideOfText(document: Document, text: string, offset: number): boolean {
  const line = lineStart(text, offset)
  if (/^ *(?:- |[\w-]+:(?:\s|$))/.test(text.slice(line))) return false
  return findScalar(document, (type, _, end) => type.startsWith('BLOCK') && end === line) !== undefined
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

function firstOfLine(text: string, offset: number): number {
  const start = lineStart(text, offset)
  return start + (/^ */.exec(text.slice(start))?.[0].length ?? 0)
}

/** Returns the offset of a line that continues a value but contains a name: it is indented too deeply. The parser reports the value. */
function continuedAt(document: Document, text: string, { code, pos }: YAMLError): number | undefined {
  const whole = document.errors.find((other) => other.code === 'MULTILINE_IMPLICIT_KEY' && other.pos[0] === pos[0])
  if (code !== 'BLOCK_AS_IMPLICIT_KEY' || whole === undefined || !text.slice(...whole.pos).includes('\n'))
    return undefined
  return firstOfLine(text, whole.pos[1])
}

const OF_LINES: ReadonlySet<Words> = new Set([BAD_INDENT, COLON])

/** The parser reads `port 80` and `port:80` as text, and looks for the colon in the following lines. */
function withoutColon(text: string, offset: number): DocumentFault | undefined {
  const [name = '', glued] = /^[\w-]+(:\S)?/.exec(text.slice(offset)) ?? []
  if (name === '') return undefined
  return glued === undefined ? { offset, ...COLON } : { offset: offset + name.length - 2, ...SPACE_AFTER_COLON }
}

/** Describes a parser error in Tollgate's words, at the position where a person would look for it. */
function told(document: Document, text: string, error: YAMLError): DocumentFault {
  const [offset] = error.pos
  const words = inWords(error)
  if (isQuote(error)) return { offset: openingQuote(document, offset), ...words }
  if (text.startsWith('${', offset - 1)) return { offset: offset - 1, ...REFERENCE }
  const first = firstOfLine(text, offset)
  const deeper = continuedAt(document, text, error)
  const isOfLines = deeper !== undefined || error.code === 'MULTILINE_IMPLICIT_KEY' || OF_LINES.has(words)
  if (isOfLines && /^-[^\s-]/.test(text.slice(first))) return { offset: first, ...SPACE_AFTER_DASH }
  if (deeper !== undefined) return { offset: deeper, ...TOO_DEEP }
  if (OF_LINES.has(words) && isOutsideOfText(document, text, offset)) return { offset: first, ...OUTSIDE_OF_TEXT }
  if (words === COLON || error.code === 'MULTILINE_IMPLICIT_KEY')
    return withoutColon(text, offset) ?? { offset, ...words }
  return { offset: words === BAD_INDENT ? first : offset, ...words }
}

/** True when consecutive lines have the same indentation, or tabs: they were moved together, which is one mistake. */
function isSameBlock(text: string, before: number, after: number): boolean {
  const between = text.slice(before, after)
  if (/^\t[^\n]*(?:\n *\t[^\n]*)*\n *$/.test(between)) return true
  return (
    /^[^\n]*\n *$/.test(between) &&
    firstOfLine(text, before) === before &&
    columnOf(text, before) === columnOf(text, after)
  )
}

function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset)
}

const OF_BLOCKS: ReadonlySet<string> = new Set([TOO_DEEP.message, TAB_AS_INDENT.message])
const LOSING: ReadonlySet<string> = new Set([SPACE_AFTER_DASH.message])

/** Returns the first error of each line, and none after the parser has lost track, because later errors do not help. */
function parserFaults(
  document: Document,
  text: string,
  errors: readonly YAMLError[],
  lineOf: (offset: number) => number,
): readonly DocumentFault[] {
  const lines = new Set<number>()
  const covered = new Set<number>()
  const faults: DocumentFault[] = []
  let moved = -1
  for (const error of errors) {
    const fault = told(document, text, error)
    const [at, line] = [lineOf(error.pos[0]), lineOf(fault.offset)]
    if (covered.has(at) || lines.has(line)) continue
    covered.add(at)
    lines.add(line)
    const isOfBlock = OF_BLOCKS.has(fault.message)
    const isFollowUp = isOfBlock && moved >= 0 && isSameBlock(text, moved, fault.offset)
    if (isOfBlock) moved = fault.offset
    if (!isFollowUp) faults.push(fault)
    if (LOST.has(error.code) || LOSING.has(fault.message)) break
  }
  return faults
}

/** Returns all syntax errors, in the order of the file. */
export function syntaxFaults(
  document: Document,
  text: string,
  lineOf: (offset: number) => number,
): readonly DocumentFault[] {
  const errors = inOrder(document)
  const exhausted = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION')
  if (errors.length === 0 || exhausted !== undefined)
    return parserFaults(document, text, exhausted === undefined ? [] : [exhausted], lineOf)
  const quote = errors.find(isQuote)
  const quoteAt = quote === undefined ? undefined : openingQuote(document, quote.pos[0])
  const brackets = bracketFaults(text, quoteAt)
  const known = Math.min(brackets[0]?.offset ?? Infinity, quoteAt ?? Infinity)
  const before = errors.filter((error) => error.pos[0] < known && !isQuote(error))
  const faults = [...parserFaults(document, text, before, lineOf), ...brackets]
  if (quote !== undefined) faults.push(told(document, text, quote))
  return faults.toSorted((a, b) => a.offset - b.offset).slice(0, MAX_FAULTS)
}
