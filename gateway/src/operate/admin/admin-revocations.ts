// The admin API of the block list: add, list and remove entries. All of it needs the admin token.
import type { FastifyInstance, FastifyReply } from 'fastify'

import { AdminProblem, sendProblem } from './admin-problem.ts'
import { createAdminGuard, type AdminToken } from './admin-token.ts'
import type { Log } from '../../observe/log.ts'
import { createRevocationReader, type RevocationReaderParts } from './revocation-request.ts'
import type { BlockEntry } from '../../revoke/block-list.ts'
import { keyOf, nameOf } from '../../revoke/stores/entry-text.ts'
import type { Revocation } from '../../revoke/revocation.ts'

export interface AdminRevocationsParts extends Omit<RevocationReaderParts, 'issuerTimeSec' | 'nowSec'> {
  /** What the clock of an issuer shows at least, as its tokens tell; undefined where none came. */
  readonly issuerTimeSec: (issuerId: string) => number | undefined
  readonly token: AdminToken
  readonly revocation: Revocation
  readonly maxEntries: () => number
  readonly log: Log
}

const BODY_BYTES = 1_048_576
const TOO_LARGE = 'The body is larger than 1 MiB: send the entries in parts'
/** The entry is in force already; the response waits this long to be able to say that it is kept as well. */
const STORE_WAIT_MS = 2000
const MAX_PAGE = 1000
/** Clocks that a time server keeps are as close as that, and a timer may end a little early. */
const CUT_OFF_MARGIN_MS = 20
const LOGGED_NAMES = 20

/** An entry as it is shown. Its id says what it is, so that every machine has the same. */
function shown(entry: BlockEntry) {
  const { kind, issuer, value, issuedBeforeSec, overlapSec, untilSec, reason } = entry
  const id = Buffer.from(nameOf(entry)).toString('base64url')
  const overlap = overlapSec > 0 ? overlapSec : undefined
  return { id, kind, issuer, value, issuedBefore: issuedBeforeSec, overlap, until: untilSec, reason }
}

/**
 * Until the tokens of a new log-in count: what is acknowledged in the second before would still refuse them, and with them
 * their sessions. A cut-off that somebody chose may lie further ahead; nobody waits for that.
 */
async function untilCutOff(entries: readonly BlockEntry[], issuerTimeSec: (issuerId: string) => number): Promise<void> {
  for (const { issuer, issuedBeforeSec } of entries) {
    if (issuedBeforeSec === undefined) continue
    const aheadMs = (issuedBeforeSec - issuerTimeSec(issuer)) * 1000
    if (aheadMs > 0 && aheadMs <= 1000) await new Promise((resolve) => setTimeout(resolve, aheadMs + CUT_OFF_MARGIN_MS))
  }
}

async function inTime(stored: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, STORE_WAIT_MS, false)
  })
  const isStored = await Promise.race([stored, late])
  clearTimeout(timer)
  return isStored
}

type ReadRevocation = ReturnType<typeof createRevocationReader>

/** Reads one revocation for each line (NDJSON). A problem with the number of the first bad line: then none is added. */
function readLines(text: string, readRevocation: ReadRevocation): readonly BlockEntry[] | AdminProblem {
  const entries: BlockEntry[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    let body: unknown
    try {
      body = JSON.parse(line)
    } catch {
      return new AdminProblem(400, 'revocation_invalid', `line ${index + 1}: no JSON; nothing was added`)
    }
    const read = readRevocation(body)
    if (read instanceof AdminProblem)
      return new AdminProblem(read.status, read.code, `line ${index + 1}: ${read.title}; nothing was added`)
    entries.push(...read)
  }
  return entries
}

function passText(_request: unknown, body: string, done: (error: null, body: string) => void): void {
  done(null, body)
}

interface PageQuery {
  readonly after?: string
  readonly limit?: string
}

/** The arguments of `list.page` from a query string. */
function pageOf({ after = '0', limit = '100' }: PageQuery): readonly [after: number, limit: number] | AdminProblem {
  const isRight = /^\d{1,9}$/.test(after) && /^\d{1,4}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= MAX_PAGE
  return isRight
    ? [Number(after), Number(limit)]
    : new AdminProblem(400, 'query_invalid', `limit must be from 1 to ${MAX_PAGE}, after the next of a page before`)
}

export function addRevocationRoutes(app: FastifyInstance, parts: AdminRevocationsParts): void {
  const { revocation, maxEntries, log } = parts
  const { list } = revocation
  // No earlier than the tokens of it that came, and by the clock that all machines share.
  const issuerTimeSec = (issuerId: string) => Math.max(revocation.nowSec(), parts.issuerTimeSec(issuerId) ?? -Infinity)
  const readRevocation = createRevocationReader({ ...parts, issuerTimeSec, nowSec: () => revocation.nowSec() })
  const onRequest = createAdminGuard(parts.token, (client) => {
    log.warn({ client }, 'admin request refused: no or wrong admin token')
  })

  async function add(entries: readonly BlockEntry[], client: string, reply: FastifyReply): Promise<FastifyReply> {
    if (list.size - list.countOf('alive') + entries.length > maxEntries())
      return sendProblem(
        reply,
        new AdminProblem(507, 'revocations_full', 'The block list is full (revocation.maxEntries); nothing was added'),
      )
    const [stored] = await Promise.all([inTime(revocation.block(entries)), untilCutOff(entries, issuerTimeSec)])
    const names = entries.slice(0, LOGGED_NAMES).map(nameOf)
    log.info({ client, count: entries.length, entries: names, stored }, 'revocations added')
    // 202: in force here; the store gets it when it is back, and the other machines then.
    const status = entries.length === 0 ? 200 : stored ? 201 : 202
    return reply.code(status).send({ entries: entries.map(shown), stored })
  }

  app.addContentTypeParser('application/x-ndjson', { parseAs: 'string', bodyLimit: BODY_BYTES }, passText)

  const withBody = { onRequest, bodyLimit: BODY_BYTES, config: { tooLarge: TOO_LARGE } }
  app.post('/api/revocations', withBody, async ({ body, ip }, reply) => {
    const entries = typeof body === 'string' ? readLines(body, readRevocation) : readRevocation(body)
    return entries instanceof AdminProblem ? sendProblem(reply, entries) : await add(entries, ip, reply)
  })

  app.get<{ Querystring: PageQuery }>('/api/revocations', { onRequest }, (request, reply) => {
    const page = pageOf(request.query)
    if (page instanceof AdminProblem) return sendProblem(reply, page)
    const { entries, next } = list.page(...page)
    const nowSec = revocation.nowSec()
    const { kind, up } = revocation.status()
    return reply.header('cache-control', 'no-store').send({
      total: list.size - list.countOf('alive'),
      store: { kind, up },
      entries: entries.filter(({ kind, untilSec }) => kind !== 'alive' && untilSec > nowSec).map(shown),
      next: next === undefined ? null : String(next),
    })
  })

  app.delete<{ Params: { id: string } }>('/api/revocations/:id', { onRequest }, async ({ params, ip }, reply) => {
    const key = keyOf(Buffer.from(params.id, 'base64url').toString('utf8'))
    const { found, stored } = key === undefined ? { found: false, stored: undefined } : revocation.unblock(key)
    if (key === undefined || !found || stored === undefined)
      return sendProblem(reply, new AdminProblem(404, 'not_found', 'There is no such entry'))
    const isStored = await inTime(stored)
    log.info({ client: ip, entries: [nameOf(key)], stored: isStored }, 'revocation removed')
    return isStored ? reply.code(204).send() : reply.code(202).send({ stored: false })
  })
}
