// Examples of calls, which the help of each command shows.
import type { Command } from 'commander'

/** The first words say of which command it is. A test runs those that need no gateway, and reads the options of all. */
export const EXAMPLES: readonly string[] = [
  'tollgate init',
  'tollgate init --kind oidc --issuer https://login.example.com/realms/shop --audience shop-api',
  'tollgate run -c gateway.yaml',
  'tollgate check --strict -c gateway.yaml',
  'tollgate explain GET /api/things --token "$TOKEN"',
  'tollgate explain POST /api/things --offline --token "$TOKEN" --json',
  'tollgate token sign --key keys/first.private.pem --claims \'{"iss":"https://login.example.com","sub":"me"}\'',
  'tollgate token verify "$TOKEN" --key keys/first.jwks.json',
  'echo "$TOKEN" | tollgate token decode',
  'tollgate keys generate --alg ES256 --kid first --out keys',
  'tollgate schema > gateway.schema.json',
  'source <(tollgate completion bash)',
  'tollgate completion fish > ~/.config/fish/completions/tollgate.fish',
  'tollgate health --timeout 2s',
  'tollgate health --live --admin http://127.0.0.1:9901',
  'tollgate bench http://127.0.0.1:8080/api/things --token "$TOKEN"',
  'tollgate bench http://127.0.0.1:8080/api/things --tokens tokens.txt --connections 64 --duration 30s --json',
  'tollgate status --json',
  'tollgate diff',
  'tollgate reload',
  'tollgate routes -c gateway.yaml',
  'tollgate revoke "$TOKEN"',
  'tollgate revoke --sub alice --issuer main --until 30d',
]

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}

/** Shows them below the help of a command and of its subcommands. */
export function addExamples(command: Command): void {
  const name = nameOf(command)
  const examples = EXAMPLES.filter((example) => `${example} `.includes(`${name} `))
  if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.map((one) => `  ${one}\n`).join('')}`)
  for (const child of command.commands) addExamples(child)
}
