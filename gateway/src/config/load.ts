// From a YAML file to a frozen config, or to all that is wrong with it at once.
import { Value } from 'typebox/value'

import { createAsWritten } from './text/as-written.ts'
import { advise } from './checks/advice.ts'
import { checkCertificates } from './checks/files/certificate-checks.ts'
import { checkKeys } from './checks/files/key-checks.ts'
import { crossCheck } from './checks/cross-checks.ts'
import { keepDigits } from './text/exact-numbers.ts'
import { resolveFiles } from './text/file-options.ts'
import { pathText, type Finding, type Problem } from './problem.ts'
import { checkRanges } from './checks/range-checks.ts'
import { readBoundedFile, type ReadFile } from './text/read-file.ts'
import { applySchema } from './schema/schema-findings.ts'
import { asNode } from './schema/schema-walk.ts'
import { openSourceFile } from './text/source-file.ts'
import { substitute } from './text/substitute.ts'
import { ConfigOptions, type Config } from '../options/config.ts'

export type LoadedConfig =
  | {
      readonly ok: true
      readonly config: Config
      readonly warnings: readonly Problem[]
      /** What is allowed, but seldom wise. */
      readonly advice: () => readonly Problem[]
      /** Puts what is found out later at its place. */
      readonly locate: (finding: Finding) => Problem
    }
  | { readonly ok: false; readonly errors: readonly Problem[] }

export interface LoadParts {
  readonly env: NodeJS.ProcessEnv
  /** For the config file and for `${file:...}`. */
  readonly readFile?: ReadFile
  /** Milliseconds since 1970, for the dates of certificates. */
  readonly now?: () => number
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const member of Object.values(value)) deepFreeze(member)
    Object.freeze(value)
  }
  return value
}

/** In the order of the file, each once: what an alias repeats is wrong in one place only. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>()
  return problems
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .filter(({ line, column, message }) => {
      const key = JSON.stringify([line, column, message])
      return !seen.has(key) && seen.add(key)
    })
}

/** A value that could not be substituted is wrong for no other reason; and the general gives way to the particular. */
function withoutEchoes(unset: readonly Finding[], others: readonly Finding[]): readonly Finding[] {
  const settled = new Set(unset.map(({ path }) => pathText(path)))
  const particular = new Set(others.filter(({ vague }) => vague !== true).map(({ path }) => pathText(path)))
  const left = others.filter(({ path, vague }) => {
    const place = pathText(path)
    if (settled.has(place) || (vague === true && particular.has(place))) return false
    if (vague === true) particular.add(place)
    return true
  })
  return [...unset, ...left]
}

/** Reads, substitutes, checks. Never throws for what is in the file; nothing secret is in a message. */
export function loadConfig(file: string, { env, readFile = readBoundedFile, now = Date.now }: LoadParts): LoadedConfig {
  const schema = asNode(ConfigOptions)
  const source = openSourceFile(file, { readFile, schema })
  if (!('document' in source)) return { ok: false, errors: inOrder(source) }
  const written = createAsWritten(source.toValue(), schema)
  const unset = substitute(source.document, { env, readFile, configFile: file, schema })
  keepDigits(source.document, schema)

  const { value, findings } = applySchema(ConfigOptions, source.toValue(), written)
  const files = resolveFiles(schema, value, file)
  const named = { config: value, written, readFile, nowMs: now() }
  const found = withoutEchoes(unset, [
    ...findings,
    ...files,
    ...checkRanges(schema, value),
    ...checkCertificates(named),
    ...checkKeys(named),
    ...crossCheck(value, written),
  ])
  const problems = inOrder(found.map((finding) => source.locate(finding)))
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) return { ok: false, errors }
  const locate = (finding: Finding) => source.locate(finding)
  const advice = () => inOrder(advise(value).map(locate))
  return { ok: true, config: deepFreeze(Value.Decode(ConfigOptions, value)), warnings: problems, advice, locate }
}
