// Asks an issuer for the successor of a token: bounded in time and size, without redirects, and no error contains what was sent.
import { Agent, request } from 'undici'

import { exchangeFailed } from './exchange-failed.ts'
import { parseJson, readBounded } from './fetch-json.ts'
import type { AskIssuer } from '../../renew/endpoint.ts'
import { RenewalRefused } from '../../renew/renewal-refused.ts'

/** True for statuses that refuse this token, rather than report trouble of the issuer. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429
}

/** Keeps connections open: renewals are frequent, and a handshake would cost the issuer more than the token. */
export function createAskIssuer(): { readonly askIssuer: AskIssuer; readonly close: () => Promise<void> } {
  const agent = new Agent({ connections: 32, pipelining: 1, connect: { rejectUnauthorized: true } })

  const askIssuer: AskIssuer = async (url, token, { timeoutMs, maxBytes }) => {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const { statusCode, body } = await request(url, {
        method: 'POST',
        dispatcher: agent,
        signal,
        headers: { accept: 'application/json', authorization: `Bearer ${token}` },
      })
      const bytes = await readBounded(body, maxBytes)
      if (isRefusal(statusCode)) throw new RenewalRefused(`the issuer refused with status ${statusCode}`)
      if (statusCode !== 200) throw new Error(`the answer had status ${statusCode}`)
      return parseJson(bytes)
    } catch (error) {
      if (error instanceof RenewalRefused) throw error
      throw exchangeFailed(url, signal.aborted ? new Error(`no whole answer within ${timeoutMs} ms`) : error)
    }
  }
  return { askIssuer, close: () => agent.destroy() }
}
