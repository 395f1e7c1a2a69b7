// tollgate check: says whether a config is right, without starting anything.
import type { Command } from 'commander'

import { CommandFailed } from './command-failed.ts'
import { loadForCommand } from './config-file.ts'
import { configOption } from './config-option.ts'
import { counted } from '../../config/text/counted.ts'
import type { Problem } from '../../config/problem.ts'
import { loadConfig } from '../../config/load.ts'

type JsonProblem = Pick<Problem, 'file' | 'line' | 'column' | 'path' | 'message' | 'hint'>

/** Without the line of the file: a tool has the file, and a report is no place for it. */
function jsonProblem({ file, line, column, path, message, hint }: Problem): JsonProblem {
  return { file, line, column, path, message, hint }
}

function checkForTools(file: string): void {
  const loaded = loadConfig(file, { env: process.env })
  const [errors, warnings] = loaded.ok ? [[], loaded.warnings] : [loaded.errors, []]
  const report = { ok: loaded.ok, file, errors: errors.map(jsonProblem), warnings: warnings.map(jsonProblem) }
  process.stdout.write(`${JSON.stringify(report)}\n`)
  // What is wrong has been said, in the form that was asked for.
  if (!loaded.ok) throw new CommandFailed('')
}

function checkForPeople(file: string): void {
  const { config, warnings } = loadForCommand(file)
  for (const warning of warnings) process.stderr.write(`${warning}\n`)
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
    .action(({ config: file, json }: { config: string; json?: boolean }) => {
      if (json === true) checkForTools(file)
      else checkForPeople(file)
    })
}
