// Requests successors from the issuer's endpoint: one request for each token, limited in number, in the background.
import type { Clock } from '../clock.ts'
import { RenewalRefused } from './renewal-refused.ts'
import type { SharedAnswer } from './shared-answer.ts'

/** POSTs the token as bearer and resolves to the JSON of a 200. Rejects with a message for the log; RenewalRefused is final. */
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
  /** Makes one request for all machines (shared-answer.ts). Left out: each machine makes its own. */
  readonly sharedAnswer?: SharedAnswer | undefined
}

export interface Endpoint {
  /** Resolves to the successor of this token. Undefined when no request is made: too many in flight, or a pause after errors. */
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
      // Other machines may need the response as long as the token is valid.
      const answer = await (sharedAnswer === undefined
        ? askFor(token)
        : sharedAnswer(token, validUntilSec * 1000 - clock.now(), () => askFor(token)))
      failures = 0
      return answer
    } catch (error) {
      // A failing issuer gets a pause: otherwise each due token would cause a request with each client request.
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
