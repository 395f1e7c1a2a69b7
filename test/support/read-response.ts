// What the gateway reads from the connection to an upstream, in the pieces that the test says.
import { ResponseReader } from '../../gateway/src/forward/transport/response-reader.ts'

export interface ReadResponse {
  readonly infos: number[]
  readonly status: number | undefined
  readonly reason: string | undefined
  readonly headers: readonly string[] | undefined
  readonly body: string
  readonly trailers: readonly string[] | undefined
  /** Whether the connection may be used again; undefined while the response has no end. */
  readonly clean: boolean | undefined
  readonly rest: string | undefined
  readonly problem: string | undefined
}

/** Reads pieces until there is a problem or no more of them, and the end of the connection if `closes`. */
export function readResponse(
  pieces: readonly Buffer[],
  { method = 'GET', upgrade = false, closes = false, maxHeadBytes = 16_384 } = {},
): ReadResponse {
  const seen = { infos: [] as number[], body: '' } as { -readonly [Key in keyof ReadResponse]: ReadResponse[Key] }
  const reader = new ResponseReader(
    {
      onInfo: ({ status }) => void seen.infos.push(status),
      onHead({ status, reason, headers }) {
        Object.assign(seen, { status, reason, headers })
      },
      onBody(piece) {
        seen.body += piece.toString('latin1')
      },
      onEnd(trailers, clean) {
        Object.assign(seen, { trailers, clean })
      },
      onSwitch({ status, headers }, rest) {
        Object.assign(seen, { status, headers, rest: rest.toString('latin1') })
      },
    },
    maxHeadBytes,
  )
  reader.expect({ method, upgrade })
  for (const piece of pieces) {
    seen.problem = reader.read(Buffer.from(piece))?.message
    if (seen.problem !== undefined || seen.rest !== undefined) return seen
  }
  if (closes && !reader.close()) seen.problem = 'ended too early'
  return seen
}

export const latin1 = (text: string) => Buffer.from(text, 'latin1')
