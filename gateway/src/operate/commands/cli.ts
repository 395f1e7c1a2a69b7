// The command line: runs a command and sets the exit code: 0 done, 1 failed or invalid, 2 wrong usage, 3 not known, 4 differences.
import { Command, CommanderError } from 'commander'

import { CommandFailed, Differs, NotKnown, WrongCall } from './command-failed.ts'
import { addExamples } from './setup/examples.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { packageVersion } from '../process/package-version.ts'
import { CannotStart } from '../../failure.ts'

interface CommandEntry {
  readonly description: string
  /** Loads the code of the command, which may be the whole gateway, and adds its arguments and description. */
  readonly add: (command: Command, whole: () => Promise<Command>) => Promise<void>
}

/** Only the called command is loaded: the code of the gateway takes a second to load, and `--version` needs none of it. */
const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  init: {
    description: 'write a first config, with the keys or secrets that it names; asks at a terminal',
    add: async (command) => (await import('./setup/init.ts')).addInit(command),
  },
  run: {
    description: 'start the gateway',
    add: async (command) => (await import('./run.ts')).addRun(command),
  },
  check: {
    description: 'check a config file and the files it names; nothing is started or fetched',
    add: async (command) => (await import('./check.ts')).addCheck(command),
  },
  explain: {
    description:
      'tell what would happen to a request, check by check; exit code 0 if it would pass, 3 if that is not known',
    add: async (command) => (await import('./explain.ts')).addExplain(command),
  },
  token: {
    description: 'sign, verify or decode a token',
    add: async (command) => (await import('./token.ts')).addToken(command),
  },
  keys: {
    description: 'make keys',
    add: async (command) => (await import('./setup/keys.ts')).addKeys(command),
  },
  schema: {
    description: 'print the JSON schema of the config, for editors',
    add: async (command) => (await import('./setup/schema.ts')).addSchema(command),
  },
  completion: {
    description: 'print the script that completes commands and options in a shell',
    add: async (command, whole) => (await import('./setup/completion.ts')).addCompletion(command, whole),
  },
  health: {
    description: 'ask a running gateway whether it is ready; exit code 0 if it is, 1 if not, for health checks',
    add: async (command) => (await import('./running/health.ts')).addHealth(command),
  },
  bench: {
    description: 'send requests to a URL for a while, with tokens, and tell how they were answered',
    add: async (command) => (await import('./running/bench.ts')).addBench(command),
  },
  status: {
    description: 'tell how a running gateway is: ready or not, its config, its targets and its keys',
    add: async (command) => (await import('./running/status.ts')).addStatus(command),
  },
  reload: {
    description: 'have a running gateway read its config file again',
    add: async (command) => (await import('./running/reload.ts')).addReload(command),
  },
  diff: {
    description: 'tell what a reload would change in a running gateway; exit code 0 for nothing, 4 for something',
    add: async (command) => (await import('./running/diff.ts')).addDiff(command),
  },
  routes: {
    description: 'list the routes of a running gateway',
    add: async (command) => (await import('./running/routes.ts')).addRoutes(command),
  },
  revoke: {
    description: 'block a token, a jti, a session or a subject in a running gateway',
    add: async (command) => (await import('./running/revoke.ts')).addRevoke(command),
  },
}

const FAILED = EXIT_CODES.failed.code
const USAGE = EXIT_CODES.usage.code

async function buildProgram(called: readonly string[]): Promise<Command> {
  const program = new Command('tollgate')
    .description('a gateway that verifies JSON Web Tokens and tells your services who calls')
    .version(packageVersion())
    .addHelpText('after', '\nExit codes: 0 done, 1 failed or invalid, 2 a wrong call, 3 not known, 4 differences.')
    .showHelpAfterError()
    .showSuggestionAfterError()
  for (const [name, { description, add }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(description)
    if (!called.includes(name)) continue
    await add(command, () => buildProgram(Object.keys(COMMANDS)))
    addExamples(command)
  }
  overrideExits(program)
  return program
}

/** Commander would exit the process itself, with exit code 1 for wrong usage. */
function overrideExits(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) overrideExits(child)
}

function exitCodeOf(error: CommandFailed): number {
  if (error instanceof NotKnown) return EXIT_CODES.notKnown.code
  if (error instanceof Differs) return EXIT_CODES.differs.code
  return error instanceof WrongCall ? USAGE : FAILED
}

/** Prints the text, unless it is empty because the error was already printed. Returns the exit code. */
function tell(text: string, exitCode: number): number {
  if (text !== '') process.stderr.write(`${text}\n`)
  return exitCode
}

/** Reports a bug of Tollgate in one line, because its stack does not help the user. Returns the exit code. */
function reportDefect(error: unknown): number {
  const [message, place] = error instanceof Error ? [error.message, error.stack] : [String(error), undefined]
  const shown = process.env['TOLLGATE_STACK'] === '1' ? `\n${place ?? ''}` : ' (TOLLGATE_STACK=1 shows where)'
  process.stderr.write(`tollgate: this should not happen: ${message.split('\n')[0]}${shown}\n`)
  return FAILED
}

/** Runs one command and returns the exit code: 0 also when the gateway continues to run. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  try {
    await (await buildProgram(argv)).parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    if (error instanceof CannotStart) return tell(`tollgate: ${error.message}`, FAILED)
    if (error instanceof CommandFailed) return tell(error.message, exitCodeOf(error))
    return reportDefect(error)
  }
}
