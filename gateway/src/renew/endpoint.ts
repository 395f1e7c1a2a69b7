// Asks the issuer's endpoint for successors: one request for a token, bounded, while client requests go on.
import type { Clock } from '../clock.ts'
import { RenewalRefused } from './renewal-refused.ts'
import type { SharedAnswer } from './shared-answer.ts'

/** POST with the token as bearer; resolves to the JSON of a 200. Rejects with a message fit for the log; `refused`: the issuer said no. */
export type AskIssuer = (
  url: string,
  token: string,
  limits: { readonly timeoutMs: number; readonly maxBytes: number },
) => Promise<unknown>

export interface EndpointParts {
  readonly url: string
  readonly timeoutMs: number
  readonly maxRequests: number
  readonly askIssuer: AskIssuer
  readonly clock: Clock
  /** Among machines that meet somewhere, one asks for all. Left out: each asks for itself. */
  readonly sharedAnswer?: SharedAnswer | undefined
}

export interface Endpoint {
  /** The issuer's response to this token; undefined when it is not asked now: too much is under way, or it just failed. */
  ask(tokenId: string, token: string, validUntilSec?: number): Promise<string> | undefined
}

const MAX_ANSWER_BYTES = 65_536
const FIRST_PAUSE_MS = 1000
const MAX_PAUSE_MS = 30_000

function accessTokenOf(json: unknown): string {
  const token =
    typeof json === 'object' && json !== null ? (json as Record<string, unknown>)['access_token'] : undefined
  if (typeof token !== 'string') throw new RenewalRefused('the answer has no access_token')
  return token
}

export function createEndpoint(parts: EndpointParts): Endpoint {
  const { url, timeoutMs, maxRequests, askIssuer, clock, sharedAnswer } = parts
  const underWay = new Map<string, Promise<string>>()
  let failures = 0
  let pausedUntilMs = -Infinity

  const askFor = async (token: string) =>
    accessTokenOf(await askIssuer(url, token, { timeoutMs, maxBytes: MAX_ANSWER_BYTES }))

  async function request(token: string, validUntilSec: number): Promise<string> {
    try {
      // The others may need the response as long as the token may be used.
      const answer = await (sharedAnswer === undefined
        ? askFor(token)
        : sharedAnswer(token, validUntilSec * 1000 - clock.now(), () => askFor(token)))
      failures = 0
      return answer
    } catch (error) {
      // An issuer in trouble is left alone for a while: each token that is due would ask it again with each request.
      if (!(error instanceof RenewalRefused)) {
        failures += 1
        pausedUntilMs = clock.monotonic() + Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), MAX_PAUSE_MS)
      }
      throw error
    }
  }

  return {
    ask(tokenId, token, validUntilSec = Infinity) {
      const known = underWay.get(tokenId)
      if (known !== undefined) return known
      if (underWay.size >= maxRequests || clock.monotonic() < pausedUntilMs) return undefined
      const answer = request(token, validUntilSec).finally(() => {
        underWay.delete(tokenId)
      })
      underWay.set(tokenId, answer)
      return answer
    },
  }
}
