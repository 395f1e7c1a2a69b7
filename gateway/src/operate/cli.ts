// The command line: exit code 0 for done, 1 for failed or invalid, 2 for a call that is wrong.
import { Command, CommanderError } from 'commander'

import { packageVersion } from '../main.ts'
import { addCheck } from './commands/check.ts'
import { CommandFailed } from './commands/command-failed.ts'
import { addExplain } from './commands/explain.ts'
import { addKeys } from './commands/keys.ts'
import { addRevoke } from './commands/revoke.ts'
import { addRun } from './commands/run.ts'
import { addToken } from './commands/token.ts'

const FAILED = 1
const USAGE = 2

function buildProgram(): Command {
  const program = new Command('tollgate')
    .description('a gateway that verifies JSON Web Tokens and tells your services who calls')
    .version(packageVersion())
    .showHelpAfterError()
    .showSuggestionAfterError()
  for (const add of [addRun, addCheck, addExplain, addToken, addKeys, addRevoke]) add(program)
  overrideExits(program)
  return program
}

/** Commander ends the process on its own otherwise, with exit code 1 for a wrong call. */
function overrideExits(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) overrideExits(child)
}

/** Runs one command and returns the exit code; 0 also for a gateway that goes on running. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    if (!(error instanceof CommandFailed)) throw error
    if (error.message !== '') process.stderr.write(`${error.message}\n`)
    return FAILED
  }
}
