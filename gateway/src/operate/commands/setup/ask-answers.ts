// What a first config needs to know: from flags, from questions at a terminal, or by default.
import { createInterface } from 'node:readline/promises'

import { WrongCall } from '../command-failed.ts'
import { STARTER_DEFAULTS, STARTER_KINDS, type StarterAnswers, type StarterKind } from './starter.ts'

export interface StarterFlags {
  readonly kind?: StarterKind
  readonly issuer?: string
  readonly audience?: string
  readonly upstream?: string
  readonly port?: string
}

/** Asks one question; an empty answer takes the default. */
export type Ask = (question: string, fallback: string | undefined) => Promise<string>

/** Asks at the terminal. Questions go to standard error, so that --json stays JSON. */
export async function withTerminal<Result>(use: (ask: Ask) => Promise<Result>): Promise<Result> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await use(async (question, fallback) => {
      const answer = await terminal.question(`${question}${fallback === undefined ? '' : ` [${fallback}]`}: `)
      return answer.trim()
    })
  } finally {
    terminal.close()
  }
}

function kindOf(answer: string): StarterKind {
  const kind = STARTER_KINDS.find((one) => one === answer)
  if (kind === undefined) throw new WrongCall(`${answer} is none of ${STARTER_KINDS.join(', ')}`)
  return kind
}

function portOf(answer: string): number {
  const port = /^\d{1,5}$/.test(answer) ? Number(answer) : Number.NaN
  if (!(port >= 1 && port <= 65_535)) throw new WrongCall(`${answer} is no port`)
  return port
}

/** Without `ask` what no flag says is the default. Throws WrongCall where there is none. */
export async function collectAnswers(flags: StarterFlags, ask: Ask | undefined): Promise<StarterAnswers> {
  async function answer(given: string | undefined, question: string, flag: string, fallback?: string): Promise<string> {
    const told = given ?? (await ask?.(question, fallback)) ?? ''
    const value = told === '' ? fallback : told
    if (value === undefined) throw new WrongCall(`${flag} is needed`)
    return value
  }
  const kind = kindOf(
    await answer(flags.kind, `Who signs the tokens (${STARTER_KINDS.join(', ')})`, '--kind', 'own-keys'),
  )
  const issuer = await answer(flags.issuer, 'Issuer (the claim iss)', '--issuer', STARTER_DEFAULTS[kind].issuer)
  const audience = await answer(flags.audience, 'Audience (the claim aud)', '--audience', 'my-api')
  const upstream = await answer(flags.upstream, 'Your service', '--upstream', 'http://127.0.0.1:3000')
  const port = portOf(await answer(flags.port, 'Port of the gateway', '--port', '8080'))
  return { kind, issuer, audience, upstream, port }
}
