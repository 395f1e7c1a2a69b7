// tollgate completion: prints the script that completes commands and options in a shell.
import { Argument, type Command } from 'commander'

import { scriptFor, SHELLS, type CompletedCommand, type Shell } from './completion-scripts.ts'

/** Subcommands are told as `token sign`, after what they belong to. */
function commandsOf(command: Command, names: readonly string[]): readonly CompletedCommand[] {
  const options = command.options.map(({ long, description, argChoices }) => ({
    name: long ?? '',
    description,
    choices: argChoices ?? [],
  }))
  const children = command.commands.map((child) => ({ name: child.name(), description: child.description() }))
  const choices = command.registeredArguments[0]?.argChoices ?? []
  return [
    {
      path: names,
      options: [...options, { name: '--help', description: 'show help', choices: [] }],
      children,
      choices,
    },
    ...command.commands.flatMap((child) => commandsOf(child, [...names, child.name()])),
  ]
}

/** `whole`: the program with the options of all commands. */
export function addCompletion(command: Command, whole: () => Promise<Command>): void {
  command.addArgument(new Argument('<shell>', 'the shell').choices([...SHELLS])).action(async (shell: Shell) => {
    process.stdout.write(scriptFor(shell, commandsOf(await whole(), [])))
  })
}
