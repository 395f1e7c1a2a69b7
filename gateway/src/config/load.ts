// Loads a YAML file as a frozen config, or reports all its errors at once.

import { openConfigFiles } from './sources/config-files.ts'
import { createAsWritten } from './text/as-written.ts'
import { advise } from './checks/advice.ts'
import { checkCertificates } from './checks/files/certificate-checks.ts'
import { checkAssertionKeys } from './checks/files/assertion-key-checks.ts'
import { checkKeys } from './checks/files/key-checks.ts'
import { crossCheck } from './checks/cross-checks.ts'
import { keepDigits } from './text/exact-numbers.ts'
import { resolveFiles } from './text/file-options.ts'
import { inOrder, withoutEchoes, withoutFollowUps } from './echoes.ts'
import type { Finding, Path, Problem, Severity } from './problem.ts'
import { valueAt } from './checks/loose.ts'
import { checkRanges } from './checks/range-checks.ts'
import { readBoundedFile, type ReadFile } from '../options/files/read-file.ts'
import { decodeConfig } from './schema/decode-config.ts'
import { applySchema } from './schema/schema-findings.ts'
import { asNode } from './schema/schema-walk.ts'
import { substitute } from './text/substitute.ts'
import { ConfigOptions, type Config } from '../options/config.ts'

/** All errors and warnings of a config that cannot be used, so that they can be fixed together. */
export interface Faults {
  readonly errors: readonly Problem[]
  readonly warnings: readonly Problem[]
}

export type LoadedConfig =
  | {
      readonly ok: true
      readonly config: Config
      readonly warnings: readonly Problem[]
      /** Returns advice: allowed, but rarely wise. */
      readonly advice: () => readonly Problem[]
      /** Locates a finding of a later check in the file. */
      readonly locate: (finding: Finding) => Problem
      readonly joined: Joined
    }
  | ({ readonly ok: false; readonly joined: Joined } & Faults)

/** Joins warnings of other checks with those of the loader, and removes those that an error explains. */
type Joined = (findings: readonly Finding[]) => readonly Problem[]

export interface LoadParts {
  readonly env: NodeJS.ProcessEnv
  /** Reads the config file and the files of `${file:...}`. */
  readonly readFile?: ReadFile
  /** Returns milliseconds since the epoch, for the dates of certificates. */
  readonly now?: () => number
  /** Receives the values before they are checked, in any shape, so that slow checks can start early. */
  readonly onValues?: (values: unknown) => void
}

/** A loaded config has a list where the file may have one value alone. */
function pathAsWritten(value: unknown, path: Path): Path {
  return path.filter((step, index) => typeof step !== 'number' || Array.isArray(valueAt(value, path.slice(0, index))))
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const member of Object.values(value)) deepFreeze(member)
    Object.freeze(value)
  }
  return value
}

/** Reads, substitutes and checks a config file. Never throws because of its content. No message contains a secret. */
export function loadConfig(
  file: string,
  { env, readFile = readBoundedFile, now = Date.now, onValues }: LoadParts,
): LoadedConfig {
  const schema = asNode(ConfigOptions)
  const source = openConfigFiles(file, { readFile, schema })
  if (!('inEach' in source)) return { ok: false, errors: inOrder(source, file), warnings: [], joined: () => [] }
  const written = createAsWritten(source.toValue(), schema)
  const unset = source.inEach((document) => {
    const found = substitute(document, { env, readFile, configFile: file, schema })
    keepDigits(document, schema)
    return found
  })

  const { value, findings, isValid } = applySchema(ConfigOptions, source.toValue(), written)
  onValues?.(value)
  const files = resolveFiles(schema, value, file)
  const named = { config: value, written, readFile, nowMs: now() }
  const found = withoutEchoes(unset, [
    ...source.findings,
    ...findings,
    ...files,
    ...checkRanges(schema, value),
    ...checkCertificates(named),
    ...checkKeys(named),
    ...checkAssertionKeys(named),
    ...crossCheck(value, written),
  ])
  const locate = (finding: Finding) => source.locate({ ...finding, path: pathAsWritten(value, finding.path) })
  const told = (severity: Severity, more: readonly Finding[] = []) =>
    inOrder(withoutFollowUps([...found, ...more]).map(locate), file).filter((problem) => problem.severity === severity)
  const joined = (findings: readonly Finding[]) => told('warning', findings)
  const [errors, warnings] = [told('error'), told('warning')]
  if (errors.length > 0) return { ok: false, errors, warnings, joined }
  const advice = () => inOrder(advise(value).map(locate), file)
  return { ok: true, config: deepFreeze(decodeConfig(value, isValid)), warnings, advice, locate, joined }
}
