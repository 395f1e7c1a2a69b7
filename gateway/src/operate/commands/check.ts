// tollgate check: checks a config without starting anything.
import type { Command } from 'commander'

import { CommandFailed } from './command-failed.ts'
import { configOption } from './config-option.ts'
import { counted } from '../../config/text/counted.ts'
import type { Finding, Problem } from '../../config/problem.ts'
import { loadConfig } from '../../config/load.ts'
import { formatFaults, formatProblem } from '../../config/format-problem.ts'
import type { Config } from '../../options/config.ts'
import { unknownHosts } from './unknown-hosts.ts'

type JsonProblem = Pick<Problem, 'file' | 'line' | 'column' | 'path' | 'message' | 'hint'>

/** Leaves out the code frame: a tool has the file, and a report must not quote it. */
function jsonProblem({ file, line, column, path, message, hint }: Problem): JsonProblem {
  return { file, line, column, path, message, hint }
}

interface CheckOptions {
  readonly config: string
  readonly json?: boolean
  readonly strict?: boolean
  readonly lookup: boolean
}

interface Report {
  /** The loaded config; undefined when there are errors. */
  readonly config: Config | undefined
  readonly errors: readonly Problem[]
  readonly warnings: readonly Problem[]
  readonly advice: readonly Problem[]
}

/** Checks the config and looks up its host names at the same time, then reports all problems together. */
export async function examine(
  { config: file, strict, lookup }: Omit<CheckOptions, 'json'>,
  find: typeof unknownHosts = unknownHosts,
): Promise<Report> {
  let unknown: Promise<readonly Finding[]> = Promise.resolve([])
  const loaded = loadConfig(file, {
    env: process.env,
    onValues: (values) => {
      if (lookup) unknown = find(values)
    },
  })
  const warnings = loaded.joined(await unknown)
  if (!loaded.ok) return { config: undefined, errors: loaded.errors, warnings, advice: [] }
  return { config: loaded.config, errors: [], warnings, advice: strict === true ? loaded.advice() : [] }
}

function printForTools(file: string, { errors, warnings, advice }: Report, fails: boolean): void {
  const told = { errors: errors.map(jsonProblem), warnings: warnings.map(jsonProblem), advice: advice.map(jsonProblem) }
  process.stdout.write(`${JSON.stringify({ ok: !fails, file, ...told })}\n`)
}

function printForPeople(file: string, { config, errors, warnings, advice }: Report, fails: boolean): void {
  if (config === undefined) {
    process.stderr.write(`${formatFaults(file, { errors, warnings })}\n`)
    return
  }
  const doubts = [...warnings, ...advice]
  for (const problem of doubts) process.stderr.write(`${formatProblem(problem)}\n`)
  if (fails) {
    process.stderr.write(`${file} has no errors, ${counted(doubts.length, 'thing')} to look at\n`)
    return
  }
  const counts = [
    counted(config.routes.length, 'route'),
    counted(Object.keys(config.upstreams).length, 'upstream'),
    counted(config.issuers.length, 'issuer'),
  ]
  process.stdout.write(`${file} is right: ${counts.join(', ')}\n`)
}

export function addCheck(command: Command): void {
  command
    .addOption(configOption())
    .option('--json', 'print JSON, also when it fails')
    .option('--strict', 'advise, too; fail with any warning or advice')
    .option('--no-lookup', 'do not look up whether the hosts it names have an address here')
    .action(async (options: CheckOptions) => {
      const report = await examine(options)
      const doubts = report.warnings.length + report.advice.length
      const fails = report.errors.length > 0 || (options.strict === true && doubts > 0)
      if (options.json === true) printForTools(options.config, report, fails)
      else printForPeople(options.config, report, fails)
      // The problems were already printed, in the requested format.
      if (fails) throw new CommandFailed('')
    })
}
