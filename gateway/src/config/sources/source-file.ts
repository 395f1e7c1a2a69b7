// Opens a config file as text and as a YAML document with line numbers.
import { isUtf8 } from 'node:buffer'
import { isMap, LineCounter, parseDocument, type Document } from 'yaml'

import { findAliasSources } from '../text/alias-sources.ts'
import { checkDocument } from '../text/document-checks.ts'
import { offsetOf } from '../text/node-place.ts'
import { pathText, type Finding, type Problem } from '../problem.ts'
import { readFault, type ReadFile } from '../../options/files/read-file.ts'
import type { SchemaNode } from '../schema/schema-walk.ts'
import { blotSecrets } from '../text/secret-text.ts'
import { syntaxFaults, understoodUpTo } from '../text/syntax-faults.ts'

const MAX_FILE_BYTES = 1024 * 1024
export interface SourceFile {
  readonly document: Document
  /** Returns the plain value of the document in its current state. */
  toValue(): unknown
  /** Adds the position to a finding; that of the nearest enclosing option when the file lacks the path. */
  locate(finding: Finding): Problem
}

export interface SourceFileParts {
  readonly readFile: ReadFile
  readonly schema: SchemaNode
}

/** Returns the text of a file, or the reason why it cannot be read. */
function readText(file: string, readFile: ReadFile): string | Finding {
  try {
    const bytes = readFile(file, MAX_FILE_BYTES)
    return isUtf8(bytes)
      ? bytes.toString('utf8').replace(/^\uFEFF/, '')
      : { path: [], message: 'the file is not UTF-8 text' }
  } catch (error) {
    return { path: [], message: readFault(error), hint: isTooLarge(error) ? 'at most 1 MiB is read' : undefined }
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EFBIG'
}

/** Reads and parses a config file. Returns the problems when that fails. */
export function openSourceFile(file: string, { readFile, schema }: SourceFileParts): SourceFile | readonly Problem[] {
  const read = readText(file, readFile)
  const text = typeof read === 'string' ? read : ''
  const lineCounter = new LineCounter()
  // checkDocument finds duplicate keys.
  const document = parseDocument(text, {
    lineCounter,
    strict: true,
    uniqueKeys: false,
    merge: true,
    prettyErrors: false,
  })
  const sources = findAliasSources(document)
  // Lines that were not parsed are not shown: they may contain an unrecognised secret.
  const known = understoodUpTo(document) ?? text.length
  const lines = blotSecrets(text, document, sources, schema)
    .slice(0, known + 1)
    .split(/\r\n|\n|\r/)

  function problemAt(
    offset: number,
    { severity = 'error', path, message, hint, standsAlone = false }: Finding,
  ): Problem {
    const { line, col } = lineCounter.linePos(Math.min(offset, text.length))
    // The line counter has no line for an empty file, and the end of a file may be after its last line.
    const number = Math.min(Math.max(line, 1), lines.length)
    const sourceLine = lines[number - 1] ?? ''
    const column = Math.min(Math.max(col, 1), sourceLine.length + 1)
    return { severity, file, line: number, column, path: pathText(path), message, hint, sourceLine, standsAlone }
  }

  function firstLine(offset: number | undefined): string | undefined {
    return offset === undefined ? undefined : `the first is on line ${lineCounter.linePos(offset).line}`
  }

  if (typeof read !== 'string') return [problemAt(0, read)]
  const syntax = syntaxFaults(document, text, (offset) => lineCounter.linePos(offset).line)
  const faults = syntax.length > 0 ? syntax : checkDocument(document, sources)
  if (faults.length > 0)
    return faults.map(({ offset, message, firstOffset, hint = firstLine(firstOffset) }) =>
      problemAt(offset, { path: [], message, hint }),
    )
  if (!isMap(document.contents)) {
    const message =
      document.contents === null ? 'the file is empty' : 'the file must hold options, each as `name: value`'
    return [problemAt(0, { path: [], message })]
  }

  return {
    document,
    // checkDocument has already limited the expansion of aliases.
    toValue: () => document.toJS({ maxAliasCount: -1 }) as unknown,
    locate: (finding) => problemAt(offsetOf(document, sources, finding.path, finding.atKey === true), finding),
  }
}
