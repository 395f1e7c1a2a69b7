// tollgate revoke: blocks a token, a session or a subject in a running gateway, through its admin API.
import { readFileSync } from 'node:fs'
import { Option, type Command } from 'commander'

import { CommandFailed, WrongCall } from '../command-failed.ts'
import { counted } from '../../../config/text/counted.ts'
import { readToken } from '../token-input.ts'

interface RevokeOptions {
  readonly admin: string
  readonly adminToken?: string
  readonly jti?: string
  readonly sid?: string
  readonly sub?: string
  readonly issuer?: string
  readonly until?: string
  readonly issuedBefore?: string
  readonly reason?: string
  readonly file?: string
  readonly json?: boolean
}

interface Answer {
  readonly entries?: readonly {
    readonly kind: string
    readonly issuer: string
    readonly value: string
    readonly until: number
    readonly issuedBefore?: number
  }[]
  readonly stored?: boolean
  readonly title?: string
}

/** Characters of one request, well below the body limit of the admin API. */
const CHUNK_CHARACTERS = 500_000
const TIMEOUT_MS = 10_000

async function send({ admin, adminToken }: RevokeOptions, body: string, type: string): Promise<Answer> {
  if (!URL.canParse(admin)) throw new WrongCall('--admin is no URL: write it like http://127.0.0.1:9901')
  let response: Response
  try {
    response = await fetch(new URL('/api/revocations', admin), {
      method: 'POST',
      headers: { 'content-type': type, authorization: `Bearer ${adminToken ?? ''}` },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch {
    throw new CommandFailed(`there was no answer from ${new URL(admin).origin}: is it the admin listener of a gateway?`)
  }
  const answer = await response.json().catch<unknown>(() => null)
  if (!isOfAdmin(answer, response.ok))
    throw new CommandFailed(
      `${new URL(admin).origin} answered ${response.status}, but it is not the admin listener of a gateway (--admin, or TOLLGATE_ADMIN_URL)`,
    )
  if (response.ok) return answer
  const hint = response.status === 401 ? ' (--admin-token, or TOLLGATE_ADMIN_TOKEN)' : ''
  throw new CommandFailed(`${response.status} ${answer.title ?? 'the gateway refused'}${hint}`)
}

/** Tells a response of the admin API from one of the proxy or an upstream, which must not count as a successful revocation. */
function isOfAdmin(answer: unknown, isOk: boolean): answer is Answer {
  if (typeof answer !== 'object' || answer === null) return false
  // Problem documents of the proxy have a requestId, those of the admin API have none.
  return isOk ? 'entries' in answer && Array.isArray(answer.entries) : 'title' in answer && !('requestId' in answer)
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new CommandFailed(`${file} cannot be read`)
  }
}

function dateOf(second: number): string {
  return new Date(second * 1000).toISOString()
}

/** Splits the text into chunks of whole lines, each as many as fit. */
function* chunksOf(text: string): Generator<string> {
  let chunk = ''
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    if (chunk.length + line.length > CHUNK_CHARACTERS && chunk !== '') {
      yield chunk
      chunk = ''
    }
    chunk += `${line}\n`
  }
  if (chunk !== '') yield chunk
}

async function importFile(file: string, options: RevokeOptions): Promise<Answer & { readonly count: number }> {
  let count = 0
  let stored = true
  for (const chunk of chunksOf(readFile(file))) {
    try {
      const answer = await send(options, chunk, 'application/x-ndjson')
      count += answer.entries?.length ?? 0
      stored &&= answer.stored === true
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error
      throw new CommandFailed(
        `${error.message}${count > 0 ? `; ${counted(count, 'entry', 'entries')} before that ${count === 1 ? 'was' : 'were'} added` : ''}`,
      )
    }
  }
  return { count, stored }
}

function subjectOf({ jti, sid, sub }: RevokeOptions): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ jti, sid, sub }).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
}

export function addRevoke(command: Command): void {
  command
    .argument(
      '[token]',
      'the whole token; - reads it from standard input, as does a pipe; this, --jti, --sid, --sub or --file is required',
    )
    .option('--jti <id>', 'instead of a token: its jti')
    .option('--sid <id>', 'all tokens of this session')
    .option(
      '--sub <subject>',
      'all sessions of this subject that began before now; log-ins after the answer count, which may take a second',
    )
    .option(
      '--issuer <name>',
      'name or iss of the issuer; needed with --jti, --sid, --sub where there is more than one',
    )
    .option('--issued-before <time>', 'with --sub: another moment than now')
    .option('--until <time>', 'how long: seconds since 1970, a date, or a duration such as 30d')
    .option('--reason <reason>', 'revoked, logout or reused')
    .option('--file <file>', 'a file with one JSON object a line: {"jti": "...", "issuer": "...", "until": ...}')
    .addOption(
      new Option('--admin <url>', 'admin listener of the gateway')
        .env('TOLLGATE_ADMIN_URL')
        .default('http://127.0.0.1:9901'),
    )
    .addOption(new Option('--admin-token <token>', 'admin.token of its config (required)').env('TOLLGATE_ADMIN_TOKEN'))
    .option('--json', 'print JSON')
    .action(async (argument: string | undefined, options: RevokeOptions) => {
      const { file, issuer, until, issuedBefore, reason, json } = options
      if (file !== undefined) {
        const { count, stored } = await importFile(file, options)
        const inWords = `${counted(count, 'entry', 'entries')} ${count === 1 ? 'is' : 'are'} blocked${stored === true ? '' : '; the store does not have all of them yet'}`
        process.stdout.write(`${json === true ? JSON.stringify({ count, stored }) : inWords}\n`)
        return
      }
      const subject = subjectOf(options)
      const token = Object.keys(subject).length > 0 && argument === undefined ? undefined : await readToken(argument)
      if (token === undefined && Object.keys(subject).length === 0)
        throw new WrongCall('give a token, --jti, --sid, --sub or --file')
      const body = { ...subject, token, issuer, until, issuedBefore, reason }
      const answer = await send(options, JSON.stringify(body), 'application/json')
      if (json === true) {
        process.stdout.write(`${JSON.stringify(answer)}\n`)
        return
      }
      const { entries = [], stored } = answer
      if (entries.length === 0) process.stdout.write('the token has ended already: there is nothing to block\n')
      for (const { kind, value, issuer: of, until: untilSec, issuedBefore: countsFromSec } of entries) {
        process.stdout.write(`blocked: ${kind} ${value} of ${of} until ${dateOf(untilSec)}\n`)
        if (countsFromSec !== undefined)
          process.stdout.write(`  log-ins from ${dateOf(countsFromSec)} on count, by the clock of their issuer (iat)\n`)
      }
      if (stored === false)
        process.stdout.write(
          'the store has not taken it yet (/readyz says why): until then it holds here alone, and not after a restart\n',
        )
    })
}
