// No proxy is timed before it gave the right answers: a fast wrong one is worth nothing.
import { PATHS } from './backend.ts'
import { forge } from '../verify/keys-and-tokens.ts'

async function ask(url: string, token: string | undefined): Promise<Response> {
  return fetch(url, {
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    signal: AbortSignal.timeout(5000),
  })
}

/** The subject of a token, as the upstream shall learn it. */
function subjectOf(token: string): string {
  const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }
  return sub
}

export interface RightAnswers {
  readonly name: string
  readonly url: string
  readonly good: string
  /** Whether it verifies tokens; what does not must pass every request on. */
  readonly verifies: boolean
  /** Tokens that it must refuse, beside none at all and the good one with another signature. */
  readonly bad?: readonly string[]
}

/** Throws when a good token does not pass, the upstream does not learn who calls, or a bad one is not refused with 401. */
export async function assertRight({ name, url, good, verifies, bad = [] }: RightAnswers): Promise<void> {
  const response = await ask(`${url}${PATHS.check}`, good)
  const body = await response.text()
  const saw = Buffer.from(response.headers.get('x-saw') ?? '', 'base64url').toString()
  if (response.status !== 200 || !body.includes('"hello":"world"'))
    throw new Error(`${name} answers a good token with ${response.status} ${body.slice(0, 200)}`)
  if (saw.includes(`"${subjectOf(good)}"`) !== verifies)
    throw new Error(`${name}: the upstream was told "${saw.slice(0, 200)}" about ${subjectOf(good)}`)
  if (!verifies) return
  for (const token of [undefined, forge(good), ...bad]) {
    const refused = await ask(`${url}${PATHS.check}`, token)
    await refused.text()
    if (refused.status !== 401) throw new Error(`${name} answers ${refused.status} to a token that is not good`)
  }
}
