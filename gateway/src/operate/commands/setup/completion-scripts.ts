// Completion scripts for bash, zsh and fish, made of the commands that there are.

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

export interface CompletedCommand {
  /** Empty for `tollgate` itself, `['token', 'sign']` for a subcommand. */
  readonly path: readonly string[]
  readonly options: readonly {
    readonly name: string
    readonly description: string
    readonly choices: readonly string[]
  }[]
  readonly children: readonly { readonly name: string; readonly description: string }[]
  /** What the first argument may be. */
  readonly choices: readonly string[]
}

const wordsOf = ({ options, children, choices }: CompletedCommand) =>
  [...children.map(({ name }) => name), ...choices, ...options.map(({ name }) => name)].join(' ')

/** The words before the cursor that are commands: one, or two where the first has subcommands. */
function bash(commands: readonly CompletedCommand[]): string {
  const parents = commands.filter(({ path, children }) => path.length === 1 && children.length > 0)
  const valued = commands.flatMap(({ path, options }) =>
    options.filter(({ choices }) => choices.length > 0).map((option) => ({ at: path.join(' '), ...option })),
  )
  return `# bash completion of tollgate: source <(tollgate completion bash)
_tollgate() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at=""
  if [ "$COMP_CWORD" -gt 1 ]; then at="\${COMP_WORDS[1]}"; fi
  case "$at" in
    ${parents.map(({ path }) => path[0]).join('|')}) if [ "$COMP_CWORD" -gt 2 ]; then at="$at \${COMP_WORDS[2]}"; fi ;;
  esac
  case "$at $before" in
${valued.map(({ at, name, choices }) => `    "${at} ${name}") COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$word")); return ;;`).join('\n')}
  esac
  case "$before" in
    -c|--config|--file|--key) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  case "$at" in
${commands.map((command) => `    "${command.path.join(' ')}") COMPREPLY=($(compgen -W "${wordsOf(command)}" -- "$word")) ;;`).join('\n')}
  esac
}
complete -o default -F _tollgate tollgate
`
}

/** zsh runs the completion of bash, which is the same for both. */
function zsh(commands: readonly CompletedCommand[]): string {
  return `# zsh completion of tollgate: source <(tollgate completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(commands).split('\n').slice(1).join('\n')}`
}

const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`

function fish(commands: readonly CompletedCommand[]): string {
  const conditionOf = ([first, second]: readonly string[]) => {
    if (first === undefined) return '__fish_use_subcommand'
    return second === undefined
      ? `__fish_seen_subcommand_from ${first}`
      : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`
  }
  const lines = commands.flatMap(({ path, options, children, choices }) => {
    const start = `complete -c tollgate -n ${quoted(conditionOf(path))}`
    return [
      ...children.map(({ name, description }) => `${start} -f -a ${name} -d ${quoted(description)}`),
      ...(choices.length > 0 ? [`${start} -f -a ${quoted(choices.join(' '))}`] : []),
      ...options.map(
        ({ name, description, choices: values }) =>
          `${start} -l ${name.slice(2)} -d ${quoted(description)}${values.length > 0 ? ` -x -a ${quoted(values.join(' '))}` : ''}`,
      ),
    ]
  })
  return `# fish completion of tollgate: tollgate completion fish | source\n${lines.join('\n')}\n`
}

export function scriptFor(shell: Shell, commands: readonly CompletedCommand[]): string {
  return { bash, zsh, fish }[shell](commands)
}
