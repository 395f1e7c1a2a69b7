// A config file as text and as a YAML document that knows its lines.
import { readFileSync, statSync } from 'node:fs'
import { isUtf8 } from 'node:buffer'
import { isMap, isNode, isPair, LineCounter, parseDocument, type Document, type Node } from 'yaml'

import { pathText, type Finding, type Path, type Problem } from './problem.ts'

const MAX_FILE_BYTES = 1024 * 1024
const MAX_ALIASES = 50

export interface SourceFile {
  readonly file: string
  readonly document: Document
  /** The plain value, as it is after substitution; problems when it cannot be had. */
  toValue(): unknown
  /** Puts a finding at its place; at the nearest place there is when the path is not in the file. */
  locate(finding: Finding): Problem
}

function problemAt(file: string, message: string, line = 1, column = 1, sourceLine = ''): Problem {
  return { severity: 'error', file, line, column, path: '', message, hint: undefined, sourceLine }
}

/** The text of a file, or what keeps it from being read. */
function readText(file: string): string | Problem {
  try {
    const { size } = statSync(file)
    if (size > MAX_FILE_BYTES) return problemAt(file, `the file has ${size} bytes, at most ${MAX_FILE_BYTES} are read`)
    const bytes = readFileSync(file)
    if (!isUtf8(bytes)) return problemAt(file, 'the file is not UTF-8 text')
    return bytes.toString('utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EISDIR: 'this is a directory',
      EACCES: 'the file may not be read',
    }
    return problemAt(file, reasons[code] ?? `the file cannot be read (${code})`)
  }
}

/** The yaml library's words for what people meet most, in ours. */
function yamlMessage(code: string, message: string): string {
  const known: Record<string, string> = {
    TAB_AS_INDENT: 'a tab cannot indent YAML: use spaces',
    DUPLICATE_KEY: 'this key is there twice',
    MULTIPLE_DOCS: 'the file holds more than one document (---)',
    BAD_ALIAS: 'this alias is not defined before it is used',
    TAG_RESOLVE_FAILED: 'this tag is not known',
  }
  return known[code] ?? (message.split('\n', 1)[0] ?? message).replace(/ at line \d+, column \d+:?$/, '')
}

/** Reads and parses; an array of problems when that fails. */
export function openSourceFile(file: string): SourceFile | readonly Problem[] {
  const read = readText(file)
  if (typeof read !== 'string') return [read]
  const text = read
  const lines = text.split(/\r\n|\n|\r/)
  const lineCounter = new LineCounter()
  const document = parseDocument(text, {
    lineCounter,
    strict: true,
    uniqueKeys: true,
    merge: true,
    prettyErrors: false,
  })

  function placeOf(offset: number): { readonly line: number; readonly column: number; readonly sourceLine: string } {
    const { line, col } = lineCounter.linePos(Math.min(offset, text.length))
    // An empty file has no line to count, and an error at the very end is on the last line there is.
    const number = Math.min(Math.max(line, 1), lines.length)
    const sourceLine = lines[number - 1] ?? ''
    return { line: number, column: Math.min(Math.max(col, 1), sourceLine.length + 1), sourceLine }
  }

  const problems = [...document.errors, ...document.warnings].map(({ code, message, pos }) => {
    const { line, column, sourceLine } = placeOf(pos[0])
    return problemAt(file, yamlMessage(code, message), line, column, sourceLine)
  })
  if (problems.length > 0) return problems
  if (!isMap(document.contents))
    return [
      problemAt(
        file,
        document.contents === null ? 'the file is empty' : 'the file must hold options, each as `name: value`',
      ),
    ]

  /** Where a path stands: its value, or its key; the nearest one around it when it is not there. */
  function offsetOf(path: Path, atKey: boolean): number {
    let node: unknown = document.contents
    let offset = 0
    for (const [index, step] of path.entries()) {
      const isLast = index === path.length - 1
      if (isMap(node)) {
        const pair = node.items.find(
          (item) =>
            isPair(item) &&
            String(isNode(item.key) ? (item.key as { value?: unknown }).value : item.key) === String(step),
        )
        if (pair === undefined) break
        const key = pair.key as Node
        offset = key.range?.[0] ?? offset
        node = pair.value
        if (isLast && atKey) return offset
      } else {
        const item: unknown = (node as { get?: (step: unknown, keep: boolean) => unknown } | null)?.get?.(step, true)
        if (item === undefined) break
        node = item
      }
      const range = isNode(node) ? node.range : undefined
      if (range !== undefined && range !== null && range[1] > range[0]) offset = range[0]
    }
    return offset
  }

  return {
    file,
    document,
    toValue: () => document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown,
    locate({ severity = 'error', path, atKey = false, message, hint }) {
      return { severity, file, ...placeOf(offsetOf(path, atKey)), path: pathText(path), message, hint }
    },
  }
}
