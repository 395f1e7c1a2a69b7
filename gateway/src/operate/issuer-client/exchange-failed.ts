// Describes why a request to an issuer failed, with its URL: a gateway may have several issuers, and an issuer two URLs.
import { toldAddress } from '../../authenticate/keys/key-document.ts'

/** Replacements for unclear messages of undici and Node. Other messages name host, port or certificate, and are kept. */
const REASONS: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'the connection ended before the answer was whole',
  ECONNRESET: 'the connection ended before the answer was whole',
  UND_ERR_CONNECT_TIMEOUT: 'it cannot be connected to in time',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of the answer are too large',
}

/** Returns the first error of an AggregateError without a message: Node tries all addresses of a name. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.message === '' ? error.errors[0] : error
}

function reasonOf(error: unknown): string {
  const cause = firstOf(error)
  if (!(cause instanceof Error)) return 'the exchange failed'
  if (cause.name === 'HTTPParserError') return 'the answer is not HTTP'
  return REASONS[(cause as NodeJS.ErrnoException).code ?? ''] ?? cause.message
}

export function exchangeFailed(url: string, error: unknown): Error {
  return new Error(`${toldAddress(url)}: ${reasonOf(error)}`, { cause: error })
}
