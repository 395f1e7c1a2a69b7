// Describes syntax errors in Tollgate's words, because the parser's messages quote the text, which may be a secret.
import type { YAMLError } from 'yaml'

export interface Words {
  readonly message: string
  readonly hint?: string
}

const NAME_VALUE = 'options are written as `name: value`'

export const BAD_INDENT: Words = { message: 'this is indented in another way than what it belongs to' }
export const TOO_DEEP: Words = { message: 'this is indented deeper than the line that it stands beside' }
export const TAB_AS_INDENT: Words = { message: 'a tab cannot indent YAML: use spaces' }
export const COLON: Words = { message: 'a colon is missing after this name', hint: NAME_VALUE }
export const SPACE_AFTER_COLON: Words = { message: 'a space is missing after the colon', hint: NAME_VALUE }
export const SPACE_AFTER_DASH: Words = {
  message: 'a space is missing after the dash',
  hint: 'entries of a list are written as `- value`',
}
export const OUTSIDE_OF_TEXT: Words = {
  message: 'this line is not part of the text that begins above it with | or >',
  hint: 'all lines of such a text are indented deeper than its name, at least as deep as its first line',
}

/** `{ value: ${NAME} }`: YAML reads the brace of the reference as its own. */
export const REFERENCE: Words = {
  message: 'inside of brackets a reference must be in quotes',
  hint: "{ value: '${NAME}' }",
}

const MESSAGES: Readonly<Record<string, Words>> = {
  ALIAS_PROPS: { message: 'an alias cannot have an anchor or a tag of its own' },
  BAD_ALIAS: { message: 'this alias is not defined before it is used' },
  BAD_DIRECTIVE: { message: 'this directive (%) is not known' },
  BAD_DQ_ESCAPE: {
    message: 'this escape is not known in double quotes: write \\\\ for a backslash, or use single quotes',
  },
  BAD_INDENT,
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'a value cannot hold another `name: value`: put it in quotes, or check how the next line is indented',
  },
  BLOCK_IN_FLOW: { message: 'a comma is missing after this, or it must be in quotes', hint: '{ a: 1, b: 2 }' },
  BAD_SCALAR_START: { message: 'text that starts with this character must be in quotes' },
  DUPLICATE_KEY: { message: 'this key is there twice' },
  MISSING_CHAR: { message: 'a character is missing here: a quote, a comma, a colon, a space or a bracket' },
  MULTILINE_IMPLICIT_KEY: { message: 'a key must be on one line, with its colon' },
  MULTIPLE_ANCHORS: { message: 'this has two anchors' },
  MULTIPLE_DOCS: { message: 'the file holds more than one document (---)' },
  MULTIPLE_TAGS: { message: 'this has two tags' },
  RESOURCE_EXHAUSTION: { message: 'nested too deeply' },
  TAB_AS_INDENT,
  TAG_RESOLVE_FAILED: { message: 'this tag is not known' },
  UNEXPECTED_TOKEN: { message: 'this does not belong here: what stands before it has ended already' },
}

/** One code covers several mistakes, which the message of the library distinguishes. */
const SPECIAL: readonly (readonly [RegExp, Words])[] = [
  [/closing ['"]quote/, { message: 'the closing quote is missing' }],
  [/^Sequence item without/, BAD_INDENT],
  [/^A block sequence may not be used/, BAD_INDENT],
  [/^Implicit .*keys need to be followed/, COLON],
  [/^Missing , /, { message: 'a comma is missing before this' }],
  [/^Missing space after :/, SPACE_AFTER_COLON],
  [
    /^Not a YAML token/,
    { message: 'the text of | or > begins on the next line', hint: 'or put this text in quotes, without | or >' },
  ],
  [
    /^Block scalars with more-indented leading/,
    { message: 'an empty line before this is indented deeper than the text itself', hint: 'take its spaces away' },
  ],
]

export function inWords({ code, message }: YAMLError): Words {
  const special = SPECIAL.find(([pattern]) => pattern.test(message))
  return special?.[1] ?? MESSAGES[code] ?? { message: 'this is not YAML' }
}

/** True for an unclosed quote. */
export function isQuote({ message }: YAMLError): boolean {
  return /closing ['"]quote/.test(message)
}
