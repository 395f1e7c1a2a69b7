// tollgate diff: tells what a reload would change in a running gateway, which reads its own config file for that.
import type { Command } from 'commander'

import { addAskOptions, findRunning, type AskOptions } from './ask-options.ts'
import { diffLines } from './diff-text.ts'
import { plain } from './table.ts'
import { askAdmin } from '../../admin-client/ask-admin.ts'
import { CommandFailed, Differs } from '../command-failed.ts'
import type { ReloadDiff } from '../../reload/diff.ts'

type Answer = ReloadDiff | { readonly problems: readonly string[] }

function readAnswer(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && ('differs' in value || 'problems' in value)
      ? (value as Answer)
      : undefined
  } catch {
    return undefined
  }
}

/** Throws Differs where anything is, which the lines told already. */
function tell(answer: Answer, asJson: boolean): void {
  if (asJson) process.stdout.write(`${JSON.stringify(answer)}\n`)
  if ('problems' in answer)
    throw new CommandFailed(asJson ? '' : [...answer.problems, 'a reload would change nothing'].join('\n'))
  if (!asJson) for (const line of diffLines(answer)) process.stdout.write(`${plain(line)}\n`)
  if (answer.differs) throw new Differs('')
}

export function addDiff(command: Command): void {
  addAskOptions(command).action(async (options: AskOptions) => {
    const told = await askAdmin<Answer>(findRunning(options).access, {
      ...{ method: 'POST', path: '/api/diff', accept: [422], lacking: 'compares nothing' },
      read: readAnswer,
    })
    if ('why' in told) throw new CommandFailed(told.why)
    tell(told.answer, options.json === true)
  })
}
