// What keeps a file from being YAML, in our words: the parser's own quote the text, which may be a secret.
import { visit, type Document, type YAMLError } from 'yaml'

import type { DocumentFault } from './document-checks.ts'

const MAX_FAULTS = 10
const BAD_INDENT = 'this is indented in another way than what it belongs to'
const TOO_DEEP = 'this is indented deeper than the line that it stands beside'

const MESSAGES: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag of its own',
  BAD_ALIAS: 'this alias is not defined before it is used',
  BAD_DIRECTIVE: 'this directive (%) is not known',
  BAD_DQ_ESCAPE: 'this escape is not known in double quotes: write \\\\ for a backslash, or use single quotes',
  BAD_INDENT,
  BLOCK_AS_IMPLICIT_KEY:
    'a value cannot hold another `name: value`: put it in quotes, or check how the next line is indented',
  BAD_SCALAR_START: 'text that starts with this character must be in quotes',
  DUPLICATE_KEY: 'this key is there twice',
  MISSING_CHAR: 'a character is missing here: a quote, a comma, a colon, a space or a bracket',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line, with its colon',
  MULTIPLE_ANCHORS: 'this has two anchors',
  MULTIPLE_DOCS: 'the file holds more than one document (---)',
  MULTIPLE_TAGS: 'this has two tags',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab cannot indent YAML: use spaces',
  TAG_RESOLVE_FAILED: 'this tag is not known',
  UNEXPECTED_TOKEN: 'this does not belong here: what stands before it has ended already',
}

// From there on nothing was understood.
const LOST: ReadonlySet<string> = new Set(['MULTIPLE_DOCS', 'RESOURCE_EXHAUSTION', 'UNEXPECTED_TOKEN'])

/** Where one code stands for several mistakes, the words of the library tell them apart. */
const SPECIAL: readonly (readonly [RegExp, (character: string) => string])[] = [
  [
    /indented and end with a (.)/,
    (character) => `${character} is missing before this, or this must be indented further`,
  ],
  [/to end with (.)/, (character) => `${character} is missing`],
  [/closing ['"]quote/, () => 'the closing quote is missing'],
  [/^Sequence item without/, () => BAD_INDENT],
  [/^A block sequence may not be used/, () => BAD_INDENT],
  [/^Implicit .*keys need to be followed/, () => 'a colon is missing: options are written as `name: value`'],
  [/^Missing , /, () => 'a comma is missing before this'],
  [/^Missing space after :/, () => 'a space is missing after the colon'],
]

function inWords({ code, message }: YAMLError): string {
  for (const [pattern, words] of SPECIAL) {
    const match = pattern.exec(message)
    if (match !== null) return words(match[1] ?? '')
  }
  return MESSAGES[code] ?? 'this is not YAML'
}

function inOrder(document: Document): readonly YAMLError[] {
  const all: readonly YAMLError[] = [...document.errors, ...document.warnings]
  return all.toSorted((a, b) => a.pos[0] - b.pos[0])
}

/** Offset up to which the text was understood; undefined when all of it was. */
export function understoodUpTo(document: Document): number | undefined {
  return inOrder(document).find(({ code }) => LOST.has(code))?.pos[0]
}

function isQuote({ message }: YAMLError): boolean {
  return /closing ['"]quote/.test(message)
}

/** Where a quote that is never closed begins: the parser tells where it gave up, which may be the end of the file. */
function openingQuote(document: Document, offset: number): number {
  let start = offset
  visit(document, {
    Scalar(_, { type, range }) {
      const isQuoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE'
      if (isQuoted && range?.[0] !== undefined && range[0] < offset && offset <= range[2]) start = range[0]
    },
  })
  return start
}

function firstOfLine(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  return start + (/^ */.exec(text.slice(start))?.[0].length ?? 0)
}

/** A value that goes on in the next line, where a name stands: that line is too deep. The parser points at the value. */
function continuedAt(document: Document, text: string, { code, pos }: YAMLError): number | undefined {
  const whole = document.errors.find((other) => other.code === 'MULTILINE_IMPLICIT_KEY' && other.pos[0] === pos[0])
  if (code !== 'BLOCK_AS_IMPLICIT_KEY' || whole === undefined || !text.slice(...whole.pos).includes('\n'))
    return undefined
  return firstOfLine(text, whole.pos[1])
}

/** In our words, where a person would look for it. */
function told(document: Document, text: string, error: YAMLError): DocumentFault {
  const [offset] = error.pos
  if (isQuote(error)) return { offset: openingQuote(document, offset), message: inWords(error) }
  const deeper = continuedAt(document, text, error)
  if (deeper !== undefined) return { offset: deeper, message: TOO_DEEP }
  const message = inWords(error)
  return { offset: message === BAD_INDENT ? firstOfLine(text, offset) : offset, message }
}

/** Lines that follow each other with one indentation were moved together: one mistake. */
function isSameBlock(text: string, before: number, after: number): boolean {
  const between = text.slice(before, after)
  return (
    /^[^\n]*\n *$/.test(between) &&
    firstOfLine(text, before) === before &&
    columnOf(text, before) === columnOf(text, after)
  )
}

function columnOf(text: string, offset: number): number {
  return offset - text.lastIndexOf('\n', offset - 1)
}

/** The first on each line, and none after the parser lost the thread: what it says from there on helps nobody. */
export function syntaxFaults(
  document: Document,
  text: string,
  lineOf: (offset: number) => number,
): readonly DocumentFault[] {
  const all = inOrder(document)
  const exhausted = all.find(({ code }) => code === 'RESOURCE_EXHAUSTION')
  const lost = all.findIndex((error) => LOST.has(error.code) || isQuote(error))
  const errors = exhausted === undefined ? all.slice(0, lost === -1 ? all.length : lost + 1) : [exhausted]
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
    const isFollowUp = fault.message === TOO_DEEP && moved >= 0 && isSameBlock(text, moved, fault.offset)
    if (fault.message === TOO_DEEP) moved = fault.offset
    if (!isFollowUp && faults.length < MAX_FAULTS) faults.push(fault)
  }
  return faults
}
