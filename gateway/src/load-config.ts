// From a YAML file to a frozen config, or to all that is wrong with it at once.
import { Value } from 'typebox/value'

import { crossCheck } from './config/cross-checks.ts'
import { resolveFiles } from './config/file-options.ts'
import type { Finding, Problem } from './config/problem.ts'
import { applySchema } from './config/schema-findings.ts'
import { asNode } from './config/schema-walk.ts'
import { openSourceFile, type SourceFile } from './config/source-file.ts'
import { substitute } from './config/substitute.ts'
import { ConfigOptions, type Config } from './config.ts'

export type LoadedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly errors: readonly Problem[] }

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const member of Object.values(value)) deepFreeze(member)
    Object.freeze(value)
  }
  return value
}

/** In the order of the file, each once. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>()
  return problems
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .filter(({ line, column, path, message }) => {
      const key = JSON.stringify([line, column, path, message])
      return !seen.has(key) && seen.add(key)
    })
}

function toValue(source: SourceFile): { readonly raw: unknown } | { readonly finding: Finding } {
  try {
    return { raw: source.toValue() }
  } catch (error) {
    // The parser counts how often aliases multiply; everything else about the document was checked when it was opened.
    return {
      finding: {
        path: [],
        message:
          error instanceof ReferenceError
            ? 'too many aliases: the file would grow without bounds'
            : 'the file cannot be read as options',
      },
    }
  }
}

/** Reads, substitutes, checks. Never throws for what is in the file; nothing secret is in a message. */
export function loadConfig(file: string, { env }: { readonly env: NodeJS.ProcessEnv }): LoadedConfig {
  const source = openSourceFile(file)
  if (!('document' in source)) return { ok: false, errors: source }
  const unset = substitute(source.document, { env, configFile: file, schema: asNode(ConfigOptions) })
  const plain = toValue(source)
  if ('finding' in plain) return { ok: false, errors: [source.locate(plain.finding)] }

  const { value, findings } = applySchema(ConfigOptions, plain.raw)
  const files = resolveFiles(value, file)
  const found = [...unset, ...findings, ...files, ...crossCheck(value)]
  const problems = inOrder(found.map((finding) => source.locate(finding)))
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) return { ok: false, errors }
  return { ok: true, config: deepFreeze(Value.Decode(ConfigOptions, value)), warnings: problems }
}
