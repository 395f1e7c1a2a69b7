// Fetches a JSON document from an issuer: bounded in time and size, without redirects, and no error contains its content.
import { request } from 'undici'

import { decoded } from './content-coding.ts'
import { exchangeFailed } from './exchange-failed.ts'
import { createIssuerConnections } from './issuer-connections.ts'
import { parseDocument } from '../../authenticate/keys/key-document.ts'
import type { KeyRequest } from '../../authenticate/keys/key-request.ts'
import type { FetchedDocument } from '../../authenticate/keys/remote-keys.ts'

function maxAgeOf(cacheControl: string | string[] | undefined): number | undefined {
  const match = /(?:^|[\s,])max-age="?(\d{1,9})"?/i.exec(String(cacheControl ?? ''))
  return match?.[1] === undefined ? undefined : Number(match[1])
}

/** `environment` holds HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
export function createFetchJson(environment: NodeJS.ProcessEnv = process.env): {
  readonly fetchJson: (url: string, request: KeyRequest) => Promise<FetchedDocument>
  readonly close: () => Promise<void>
} {
  const connections = createIssuerConnections(environment)

  async function fetchJson(url: string, how: KeyRequest): Promise<FetchedDocument> {
    const { timeoutMs, maxBytes } = how
    // The timeout covers the whole exchange, so that an issuer that sends one byte a second cannot hold a fetch for hours.
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: connections.dispatcherFor(url, how),
        signal,
        // The documents are few and small, so no coding is requested. A coding that the server uses all the same is decoded.
        headers: {
          accept: 'application/json, application/jwk-set+json',
          'accept-encoding': 'identity',
          ...lowerCased(how.headers),
        },
      })
      const bytes = await readBounded(body, maxBytes)
      if (statusCode !== 200)
        throw new Error(
          `the answer had status ${statusCode}${statusCode >= 300 && statusCode < 400 ? ' (redirects are not followed)' : ''}`,
        )
      return {
        json: parseJson(decoded(bytes, headers['content-encoding'], maxBytes)),
        maxAgeSec: maxAgeOf(headers['cache-control']),
      }
    } catch (error) {
      throw exchangeFailed(url, signal.aborted ? new Error(`no whole answer within ${timeoutMs} ms`) : error)
    }
  }
  return { fetchJson, close: () => connections.close() }
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

export async function readBounded(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // Leaving the loop destroys the body, which closes the connection.
    if (size > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function parseJson(bytes: Buffer): unknown {
  try {
    return parseDocument(bytes.toString('utf8'))
  } catch {
    throw new Error('the answer is not JSON')
  }
}
