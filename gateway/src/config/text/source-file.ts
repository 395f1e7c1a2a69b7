// Opens a config file as text and as a YAML document that knows its lines.
import { isUtf8 } from 'node:buffer'
import { isMap, LineCounter, parseDocument, type Document } from 'yaml'

import { findAliasSources } from './alias-sources.ts'
import { checkDocument } from './document-checks.ts'
import { offsetOf } from './node-place.ts'
import { pathText, type Finding, type Problem } from '../problem.ts'
import { readFault, type ReadFile } from './read-file.ts'
import type { SchemaNode } from '../schema/schema-walk.ts'
import { blotSecrets } from './secret-text.ts'
import { syntaxFaults, understoodUpTo } from './syntax-faults.ts'

const MAX_FILE_BYTES = 1024 * 1024
export interface SourceFile {
  readonly document: Document
  /** The plain value, as the document is now. */
  toValue(): unknown
  /** Puts a finding at its place; at the nearest place there is when the path is not in the file. */
  locate(finding: Finding): Problem
}

export interface SourceFileParts {
  readonly readFile: ReadFile
  readonly schema: SchemaNode
}

/** The text of a file, or what keeps it from being read. */
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

/** Reads and parses; an array of problems when that fails. */
export function openSourceFile(file: string, { readFile, schema }: SourceFileParts): SourceFile | readonly Problem[] {
  const read = readText(file, readFile)
  const text = typeof read === 'string' ? read : ''
  const lineCounter = new LineCounter()
  // Keys given twice are looked for in checkDocument.
  const document = parseDocument(text, {
    lineCounter,
    strict: true,
    uniqueKeys: false,
    merge: true,
    prettyErrors: false,
  })
  const sources = findAliasSources(document)
  // What was not understood may hold a secret that was not recognised as one.
  const known = understoodUpTo(document) ?? text.length
  const lines = blotSecrets(text, document, sources, schema)
    .slice(0, known + 1)
    .split(/\r\n|\n|\r/)

  function problemAt(
    offset: number,
    { severity = 'error', path, message, hint, standsAlone = false }: Finding,
  ): Problem {
    const { line, col } = lineCounter.linePos(Math.min(offset, text.length))
    // An empty file has no line to count, and an error at the very end is on the last line there is.
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
    // checkDocument has counted what aliases multiply.
    toValue: () => document.toJS({ maxAliasCount: -1 }) as unknown,
    locate: (finding) => problemAt(offsetOf(document, sources, finding.path, finding.atKey === true), finding),
  }
}
