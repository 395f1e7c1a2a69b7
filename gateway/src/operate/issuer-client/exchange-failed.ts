// Tells why an issuer could not be asked, with the address: one gateway has several issuers, and one issuer two addresses.
import { toldAddress } from '../../authenticate/keys/key-document.ts'

/** Of what undici and Node say without a reader in mind. Their other texts name host, port or certificate, and are kept. */
const REASONS: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'the connection ended before the answer was whole',
  ECONNRESET: 'the connection ended before the answer was whole',
  UND_ERR_CONNECT_TIMEOUT: 'it cannot be connected to in time',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of the answer are too large',
}

/** Node tries all addresses of a name, and says nothing of its own where none of them answers. */
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
