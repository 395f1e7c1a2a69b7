// tollgate reload: has a running gateway read its config file again.
import type { Command } from 'commander'

import { addAskOptions, findRunning, type AskOptions } from './ask-options.ts'
import { askAdmin } from '../../admin-client/ask-admin.ts'
import { CommandFailed } from '../command-failed.ts'

interface Answer {
  readonly reloaded: boolean
  readonly problems?: readonly string[]
  readonly warnings?: readonly string[]
  readonly needsRestart?: readonly string[]
}

function readAnswer(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'reloaded' in value ? (value as Answer) : undefined
  } catch {
    return undefined
  }
}

function* linesOf({ warnings = [], needsRestart = [] }: Answer): Generator<string> {
  yield* warnings
  yield 'the config was reloaded'
  for (const option of needsRestart) yield `needs a restart: ${option}`
}

export function addReload(command: Command): void {
  addAskOptions(command).action(async (options: AskOptions) => {
    const { access } = findRunning(options)
    const told = await askAdmin<Answer>(access, {
      ...{ method: 'POST', path: '/api/reload', accept: [422], lacking: 'reloads nothing' },
      read: readAnswer,
    })
    if ('why' in told) throw new CommandFailed(told.why)
    const { answer } = told
    const json = options.json === true
    if (json) process.stdout.write(`${JSON.stringify(answer)}\n`)
    if (!answer.reloaded)
      throw new CommandFailed(json ? '' : [...(answer.problems ?? []), 'the config was not reloaded'].join('\n'))
    if (!json) for (const line of linesOf(answer)) process.stdout.write(`${line}\n`)
  })
}
