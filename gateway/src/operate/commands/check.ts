// tollgate check: says whether a config is right, without starting anything.
import type { Command } from 'commander'

import { CommandFailed } from './command-failed.ts'
import { loadForCommand } from './config-file.ts'
import { configOption } from './config-option.ts'
import { checkLocalKeys } from './check-local-keys.ts'
import type { Problem } from '../../config/problem.ts'
import { loadConfig } from '../../config/load.ts'

type JsonProblem = Partial<Omit<Problem, 'message'>> & { readonly message: string }

/** Without the line of the file: a tool has the file, and a report is no place for it. */
function jsonProblem({ file, line, column, path, message, hint }: Problem): JsonProblem {
  return { file, line, column, path, message, hint }
}

function print(file: string, errors: readonly JsonProblem[], warnings: readonly JsonProblem[]): void {
  process.stdout.write(`${JSON.stringify({ ok: errors.length === 0, file, errors, warnings })}\n`)
  // What is wrong has been said, in the form that was asked for.
  if (errors.length > 0) throw new CommandFailed('')
}

function checkForTools(file: string): void {
  const loaded = loadConfig(file, { env: process.env })
  if (!loaded.ok) {
    print(file, loaded.errors.map(jsonProblem), [])
    return
  }
  const warnings = loaded.warnings.map(jsonProblem)
  try {
    checkLocalKeys(loaded.config)
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    print(file, [{ file, message: error.message.replace(/^tollgate: /, '') }], warnings)
  }
  print(file, [], warnings)
}

function checkForPeople(file: string): void {
  const { config, warnings } = loadForCommand(file)
  checkLocalKeys(config)
  for (const warning of warnings) process.stderr.write(`${warning}\n`)
  const counts = `${config.routes.length} routes, ${Object.keys(config.upstreams).length} upstreams, ${config.issuers.length} issuers`
  process.stdout.write(`${file} is right: ${counts}\n`)
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
