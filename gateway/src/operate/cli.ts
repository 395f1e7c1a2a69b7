// The command line: exit code 0 for done, 1 for failed or invalid, 2 for a call that is wrong.
import { Command, CommanderError } from 'commander'

import { packageVersion } from '../main.ts'
import { addCheck } from './commands/check.ts'
import { CommandFailed } from './commands/command-failed.ts'
import { addRun } from './commands/run.ts'

const FAILED = 1
const USAGE = 2

function buildProgram(): Command {
  const program = new Command('tollgate')
    .description('a gateway that verifies JSON Web Tokens and tells your services who calls')
    .version(packageVersion())
    .showHelpAfterError()
    .showSuggestionAfterError()
    .exitOverride()
  for (const add of [addRun, addCheck]) add(program)
  for (const command of program.commands) command.exitOverride()
  return program
}

/** Runs one command and returns the exit code; 0 also for a gateway that goes on running. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    if (!(error instanceof CommandFailed)) throw error
    process.stderr.write(`${error.message}\n`)
    return FAILED
  }
}
