// The headers on the way in and on the way back: what is dropped, what is added. One function for each direction.
import { foldName, HOP_BY_HOP, namedByConnection, SAID_BY_PROXIES } from './header-names.ts'

/** Names and values in turn, as `IncomingMessage.rawHeaders` has them. */
export type RawHeaders = readonly string[]

/** What the gateway says about a request. */
export interface RequestFacts {
  readonly requestId: string
  readonly clientAddress: string
  readonly protocol: 'http' | 'https'
  readonly host: string | undefined
  /** Of the auth-result header; undefined where none is sent. */
  readonly authResult: string | undefined
}

export interface HeaderRules {
  /** Name of the auth-result header, lower case. */
  readonly authResultHeader: string
  /** Names besides it that no upstream may be told by a client, and no client by an upstream; lower case. */
  readonly reserved: readonly string[]
}

export interface HeaderFilter {
  toUpstream(raw: RawHeaders, connection: string | undefined, facts: RequestFacts): string[]
  toClient(raw: readonly Buffer[], requestId: string, without: ReadonlySet<string> | undefined): string[]
}

/** Spellings of names that clients and upstreams really use are few; a flood of invented ones must not grow the memory. */
const MAX_REMEMBERED_NAMES = 2000

/**
 * Remembers for each spelling of a name what `decide` says of it: looking up beats folding and comparing each time.
 * The spelling goes on as it came.
 */
function rememberByName<Verdict>(decide: (name: string) => Verdict): (name: string) => Verdict {
  const verdicts = new Map<string, Verdict>()
  return (name) => {
    let verdict = verdicts.get(name)
    if (verdict === undefined) {
      verdict = decide(name)
      if (verdicts.size >= MAX_REMEMBERED_NAMES) verdicts.clear()
      verdicts.set(name, verdict)
    }
    return verdict
  }
}

export function createHeaderFilter({ authResultHeader, reserved }: HeaderRules): HeaderFilter {
  const own = new Set([authResultHeader, ...reserved].map(foldName))

  const passesUpstream = rememberByName((name) => {
    const lower = name.toLowerCase()
    if (lower === 'host' || HOP_BY_HOP.has(lower)) return false
    const folded = foldName(name)
    if (own.has(folded) || SAID_BY_PROXIES.has(folded) || folded.startsWith('x-forwarded-')) return false
    // `X_Auth_Result` reads as `X-Auth-Result` to CGI, WSGI and PHP upstreams (CVE-2025-64484): no name with `_` passes.
    return !name.includes('_')
  })

  const passesBack = rememberByName((name) => {
    const folded = foldName(name)
    return !HOP_BY_HOP.has(folded) && !own.has(folded) && folded !== 'x-request-id'
  })

  return {
    toUpstream(raw, connection, facts) {
      const named = namedByConnection(connection)
      const headers: string[] = []
      for (let index = 0; index < raw.length; index += 2) {
        const name = raw[index] as string
        if (!passesUpstream(name)) continue
        if (named?.has(name.toLowerCase())) continue
        headers.push(name, raw[index + 1] as string)
      }
      // Last, so that nothing the client named in Connection can take them away.
      headers.push(
        'x-forwarded-for',
        facts.clientAddress,
        'x-forwarded-proto',
        facts.protocol,
        'x-request-id',
        facts.requestId,
      )
      if (facts.host !== undefined) headers.push('x-forwarded-host', facts.host)
      if (facts.authResult !== undefined) headers.push(authResultHeader, facts.authResult)
      return headers
    },

    toClient(raw, requestId, without) {
      const headers: string[] = []
      let named: ReadonlySet<string> | undefined
      for (let index = 0; index < raw.length; index += 2) {
        const name = (raw[index] as Buffer).toString('latin1')
        const value = (raw[index + 1] as Buffer).toString('latin1')
        if (passesBack(name)) headers.push(name, value)
        else if (name.length === 10 && name.toLowerCase() === 'connection') named = namedByConnection(value)
      }
      if (named !== undefined || without !== undefined) removeNamed(headers, named, without)
      headers.push('x-request-id', requestId)
      return headers
    },
  }
}

/** Rare: an upstream names headers in Connection, or the gateway answers CORS itself. Takes the pairs out in place. */
function removeNamed(
  headers: string[],
  named: ReadonlySet<string> | undefined,
  without: ReadonlySet<string> | undefined,
): void {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    const lower = (headers[index] as string).toLowerCase()
    if (named?.has(lower) || without?.has(lower)) headers.splice(index, 2)
  }
}
