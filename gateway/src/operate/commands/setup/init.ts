// tollgate init: writes a first config, with the keys or secrets that it names.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Option, type Command } from 'commander'

import { collectAnswers, withTerminal, type StarterFlags } from './ask-answers.ts'
import { nextSteps, STARTER_KINDS, starterConfig, starterFiles, type StarterAnswers } from './starter.ts'
import { loadConfig } from '../../../config/load.ts'
import { CommandFailed } from '../command-failed.ts'
import { configOption } from '../config-option.ts'

interface InitOptions extends StarterFlags {
  readonly config: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** The flag `wx`: never over a file that came meanwhile. */
function write(path: string, text: string, isSecret: boolean): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { mode: isSecret ? 0o600 : 0o644, flag: 'wx' })
  } catch (error) {
    throw new CommandFailed(`${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`)
  }
}

/** Checks the config as a start would, in a folder that goes, with keys and secrets that go with it: an address may be none. */
function checkBeforehand(answers: StarterAnswers): void {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-init-'))
  try {
    for (const { name, text, isSecret } of starterFiles(answers)) write(join(folder, name), text, isSecret)
    const config = join(folder, 'gateway.yaml')
    write(config, starterConfig(answers), false)
    const loaded = loadConfig(config, { env: {} })
    if (loaded.ok) return
    const told = loaded.errors.map(({ path, message, hint }) => `${path}: ${message}${hint ? ` (${hint})` : ''}`)
    throw new CommandFailed([...told, 'nothing was written'].join('\n'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function init({ config, yes, json, ...flags }: InitOptions): Promise<void> {
  const isTerminal = process.stdin.isTTY && process.stderr.isTTY && yes !== true
  const answers = await (isTerminal
    ? withTerminal((ask) => collectAnswers(flags, ask))
    : collectAnswers(flags, undefined))
  const folder = dirname(config)
  const files = starterFiles(answers)
  const paths = [config, ...files.map(({ name }) => join(folder, name))]
  const present = paths.filter((path) => existsSync(path))
  if (present.length > 0) throw new CommandFailed(`already there: ${present.join(', ')}; nothing was written`)
  checkBeforehand(answers)
  for (const { name, text: content, isSecret } of files) write(join(folder, name), content, isSecret)
  write(config, starterConfig(answers), false)
  const next = nextSteps(config, folder, answers)
  if (json === true) process.stdout.write(`${JSON.stringify({ written: paths, next })}\n`)
  else {
    const secret = new Set(files.filter((file) => file.isSecret).map(({ name }) => join(folder, name)))
    for (const path of paths) process.stdout.write(`written: ${path}${secret.has(path) ? ' (secret)' : ''}\n`)
    process.stdout.write(`\nNext:\n${next.map((line) => `  ${line}\n`).join('')}`)
  }
}

export function addInit(command: Command): void {
  command
    .addOption(configOption())
    .addOption(new Option('--kind <kind>', 'who signs the tokens; default own-keys').choices([...STARTER_KINDS]))
    .option('--issuer <iss>', 'the claim iss of the tokens; with oidc the URL of the issuer, which is needed')
    .option('--audience <aud>', 'the claim aud of tokens for your service; default my-api')
    .option('--upstream <url>', 'your service; default http://127.0.0.1:3000')
    .option('--port <port>', 'port of the gateway; default 8080')
    .option('--yes', 'ask nothing, also at a terminal')
    .option('--json', 'print JSON')
    .action(init)
}
