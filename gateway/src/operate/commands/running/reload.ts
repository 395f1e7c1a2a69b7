// tollgate reload: has a running gateway read its config file again, and with --restart replace its workers.
import type { Command } from 'commander'

import { addAskOptions, findRunning, type AskOptions } from './ask-options.ts'
import { askAdmin } from '../../admin-client/ask-admin.ts'
import { CommandFailed } from '../command-failed.ts'

interface Answer {
  readonly reloaded: boolean
  readonly problems?: readonly string[]
  readonly warnings?: readonly string[]
  readonly needsRestart?: readonly string[]
  readonly restarted?: number
}

interface ReloadOptions extends AskOptions {
  readonly restart?: boolean
}

/** One worker after the other starts, and has the time of `shutdown.timeout` to drain. */
const RESTART_WITHIN_MS = 1_800_000

function readAnswer(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'reloaded' in value ? (value as Answer) : undefined
  } catch {
    return undefined
  }
}

function* linesOf({ warnings = [], needsRestart = [], restarted }: Answer): Generator<string> {
  yield* warnings
  yield 'the config was reloaded'
  for (const option of needsRestart) yield `needs a restart: ${option}`
  if (restarted !== undefined) yield `new workers: ${restarted}`
}

export function addReload(command: Command): void {
  addAskOptions(command)
  command.option('--restart', 'then put a new process in place of each worker, one after the other')
  command.action(async (options: ReloadOptions) => {
    const { access } = findRunning(options)
    const told = await askAdmin<Answer>(access, {
      ...{ method: 'POST', accept: [422, 500], lacking: 'reloads nothing' },
      ...(options.restart === true
        ? { path: '/api/reload?restart=true', withinMs: RESTART_WITHIN_MS }
        : { path: '/api/reload' }),
      read: readAnswer,
    })
    if ('why' in told) throw new CommandFailed(told.why)
    const { answer } = told
    const json = options.json === true
    if (json) process.stdout.write(`${JSON.stringify(answer)}\n`)
    if (!answer.reloaded)
      throw new CommandFailed(json ? '' : [...(answer.problems ?? []), 'the config was not reloaded'].join('\n'))
    if (!json) for (const line of linesOf(answer)) process.stdout.write(`${line}\n`)
    if (answer.problems !== undefined) throw new CommandFailed(json ? '' : answer.problems.join('\n'))
  })
}
