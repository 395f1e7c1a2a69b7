// What keeps a file from being YAML, in our words: the parser's own quote the text, which may be a secret.
import type { Document, YAMLError } from 'yaml'

import type { DocumentFault } from './document-checks.ts'

const MAX_FAULTS = 10

const MESSAGES: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag of its own',
  BAD_ALIAS: 'this alias is not defined before it is used',
  BAD_DIRECTIVE: 'this directive (%) is not known',
  BAD_DQ_ESCAPE: 'this escape is not known in double quotes: write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'this is indented in another way than what it belongs to',
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

/** The first on each line, and none after the parser lost the thread: what it says from there on helps nobody. */
export function syntaxFaults(document: Document, lineOf: (offset: number) => number): readonly DocumentFault[] {
  const all = inOrder(document)
  const exhausted = all.find(({ code }) => code === 'RESOURCE_EXHAUSTION')
  const lost = all.findIndex(({ code }) => LOST.has(code))
  const told = exhausted === undefined ? all.slice(0, lost === -1 ? MAX_FAULTS : lost + 1) : [exhausted]
  const lines = new Set<number>()
  return told
    .filter(({ pos }) => {
      const line = lineOf(pos[0])
      return !lines.has(line) && lines.add(line)
    })
    .slice(0, MAX_FAULTS)
    .map((error) => ({ offset: error.pos[0], message: inWords(error) }))
}
