// A subject's cut-off on machines whose clocks differ: what began before it is refused everywhere, what began after it nowhere.
import t from 'tap'
import fc from 'fast-check'

import { Failure } from '../../gateway/src/failure.ts'
import { AdminProblem } from '../../gateway/src/operate/admin/admin-problem.ts'
import { createRevocationReader } from '../../gateway/src/operate/admin/revocation-request.ts'
import { createTokenIssuer, type TokenIssuer } from '../../gateway/src/renew/signing/token-issuer.ts'
import { renewalFactsOf } from '../../gateway/src/revoke/entries-for.ts'
import { drillSize, tellFigure } from '../support/drill-size.ts'
import { createMachine, renewingConfig } from '../support/renewing-machine.ts'
import { claimsOf } from '../support/renewal.ts'
import { ISSUER, SECRET } from '../support/tokens.ts'

const [TOLERANCE, LIFETIME, WINDOW] = [4, 60, 25]
const START_MS = Date.UTC(2030, 0, 1)
/** How wrong a machine may be about the store's time, in milliseconds: half a round trip. Answers wait longer than that. */
const [CLOCK_ERROR, MARGIN] = [10, 20]
const SLOWEST_NEWS = 1000

const config = renewingConfig(TOLERANCE, {
  window: `${WINDOW}s`,
  lifetime: `${LIFETIME}s`,
  maxSession: '1h',
  overlap: '10s',
})
const secret = { value: SECRET, encoding: 'utf8' as const }
const login = createTokenIssuer({ alg: 'HS256', kid: 'login', secret }) as TokenIssuer

type What = 'log in' | 'use' | 'revoke'

const step = fc.record({
  what: fc.constantFrom<What>('use', 'use', 'use', 'use', 'log in', 'log in', 'revoke'),
  /** Often within the same second, seldom so long that tokens have to be renewed. */
  afterMs: fc.oneof(
    { weight: 4, arbitrary: fc.nat(700) },
    { weight: 2, arbitrary: fc.nat(3000) },
    { weight: 1, arbitrary: fc.nat(20_000) },
  ),
  user: fc.nat(1),
  machine: fc.nat(2),
})
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

interface Session {
  token: string
  readonly beganAtMs: number
  /** By when all machines refuse it; Infinity while nobody revoked it. */
  goneAtMs: number
  /** It began while a revocation was being acknowledged: it may be meant, or not. */
  isDoubtful: boolean
  /** Indices of the machines that have met it. */
  readonly metBy: Set<number>
}

interface World {
  readonly skewsMs: readonly number[]
  readonly errorsMs: readonly number[]
  /** How far the issuer's clock is ahead of the store's. */
  readonly issuerAheadMs: number
  readonly newsMs: number
}

let totals = { refusals: 0, renewedRefusals: 0, uses: 0, usesAfter: 0, successors: 0 }

function play(steps: readonly Step[], { skewsMs, errorsMs, issuerAheadMs, newsMs }: World): string | undefined {
  let nowMs = START_MS
  const queue: { readonly atMs: number; readonly run: () => void }[] = []
  const machines = skewsMs.map((skewMs, index) => {
    const clock = { now: () => nowMs + skewMs, monotonic: () => nowMs }
    const machine = createMachine(config, clock, index === 1)
    const nowSec = () => (nowMs + (errorsMs[index] ?? 0)) / 1000
    const issuerTimeSec = (issuer: string) => Math.max(nowSec(), machine.issuerTimeSec(issuer) ?? -Infinity)
    const issuers = () => config.issuers
    const renewalOf = renewalFactsOf(config.issuers)
    const read = createRevocationReader({ issuers, nowSec, renewalOf, issuerTimeSec })
    return { ...machine, index, issuerTimeSec, read }
  })
  for (const { blockList } of machines)
    blockList.onChange(({ entry, origin }) => {
      if (origin !== 'here') return
      for (const other of machines)
        if (other.blockList !== blockList)
          queue.push({ atMs: nowMs + newsMs, run: () => void other.blockList.add(entry, 'store') })
    })
  const sessions: Session[][] = [[], []]
  const revokedFrom: { fromMs: number; toMs: number }[][] = [[], []]
  let logIns = 0

  const doing: Record<What, (user: number, machine: (typeof machines)[number]) => string | undefined> = {
    'log in'(user) {
      const iat = Math.floor((nowMs + issuerAheadMs) / 1000)
      logIns += 1
      const claims = { iss: ISSUER, sub: `user${user}`, iat, exp: iat + LIFETIME, jti: `l${logIns}` }
      // With a clock that is behind the store's, it says for a while after a revocation that it was before.
      const behindMs = Math.max(0, -issuerAheadMs)
      const isDoubtful =
        revokedFrom[user]?.some(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs + behindMs) ?? false
      sessions[user]?.push({
        token: login.sign(claims, 'JWT'),
        beganAtMs: nowMs,
        goneAtMs: Infinity,
        isDoubtful,
        metBy: new Set(),
      })
      return undefined
    },
    revoke(user, { index, read, blockList, issuerTimeSec }) {
      const entries = read({ sub: `user${user}`, issuer: 'main' })
      if (entries instanceof AdminProblem) return entries.title
      for (const entry of entries) blockList.add(entry)
      const waitMs = ((entries[0]?.issuedBeforeSec ?? 0) - issuerTimeSec(ISSUER)) * 1000 + MARGIN
      revokedFrom[user]?.push({ fromMs: nowMs, toMs: nowMs + waitMs })
      if (waitMs > 1000 + MARGIN) return `an answer waits for ${waitMs} ms`
      for (const session of sessions[user] ?? []) {
        // That the issuer's clock is ahead, its tokens have to tell.
        if (issuerAheadMs <= 0 || session.metBy.has(index))
          session.goneAtMs = Math.min(session.goneAtMs, nowMs + Math.max(newsMs, waitMs))
        else session.isDoubtful = true
      }
      return undefined
    },
    use(user, { index, send }) {
      // The newest, mostly; sometimes an older one.
      const all = sessions[user] ?? []
      const session = all[all.length - 1 - (logIns % 3 === 0 ? 1 : 0)] ?? all.at(-1)
      if (session === undefined) return undefined
      const result = send(session.token)
      session.metBy.add(index)
      totals.uses += 1
      const isRevoked = result instanceof Failure && result.code === 'token_revoked'
      const isSuccessor = claimsOf(session.token)['renewed_from'] !== undefined
      if (nowMs >= session.goneAtMs) {
        if (!(result instanceof Failure))
          return `a ${isSuccessor ? 'successor' : 'token'} of before a revocation passed`
        totals.refusals += isRevoked ? 1 : 0
        totals.renewedRefusals += isRevoked && isSuccessor ? 1 : 0
      }
      if (isRevoked && session.goneAtMs === Infinity && !session.isDoubtful)
        return 'a log-in of after a revocation was refused'
      if (!(result instanceof Failure)) {
        if ((revokedFrom[user]?.length ?? 0) > 0 && session.goneAtMs === Infinity) totals.usesAfter += 1
        const { successor } = result.renewal ?? {}
        if (successor !== undefined) {
          session.token = successor.value
          totals.successors += 1
        }
      }
      return undefined
    },
  }

  for (const { what, afterMs, user, machine } of steps) {
    const atMs = nowMs + afterMs
    for (const news of queue.filter((one) => one.atMs <= atMs).sort((a, b) => a.atMs - b.atMs)) {
      queue.splice(queue.indexOf(news), 1)
      nowMs = news.atMs
      news.run()
    }
    nowMs = atMs
    const problem = doing[what](user, machines[machine] as (typeof machines)[number])
    if (problem !== undefined) return problem
  }
  return undefined
}

const skew = fc.integer({ min: (-TOLERANCE / 2) * 1000, max: (TOLERANCE / 2) * 1000 })
const error = fc.integer({ min: -CLOCK_ERROR, max: CLOCK_ERROR })

for (const [title, issuerAheadMs] of [
  ['the issuer’s as the store’s', fc.constant(0)],
  ['the issuer’s ahead: nothing that was met', fc.integer({ min: 1, max: (TOLERANCE / 2) * 1000 })],
  ['the issuer’s behind, and log-ins later than by that', fc.integer({ min: (-TOLERANCE / 2) * 1000, max: -1 })],
] as const)
  t.test(
    `clocks up to clockTolerance apart, ${title}: nothing of before passes, nothing of after is refused`,
    async (t) => {
      totals = { refusals: 0, renewedRefusals: 0, uses: 0, usesAfter: 0, successors: 0 }
      fc.assert(
        fc.property(
          fc.array(step, { minLength: 30, maxLength: 150 }),
          fc.record<World>({
            skewsMs: fc.tuple(skew, skew, skew),
            errorsMs: fc.tuple(error, error, error),
            issuerAheadMs,
            newsMs: fc.nat(SLOWEST_NEWS),
          }),
          (steps, world) => {
            const problem = play(steps, world)
            if (problem !== undefined) throw new Error(problem)
          },
        ),
        { numRuns: drillSize(100, 2000), endOnFailure: true },
      )
      tellFigure(`cut-off, ${title}: ${JSON.stringify(totals)}`)
      t.ok(totals.refusals > 100, `${totals.refusals} refusals of what was revoked`)
      t.ok(totals.renewedRefusals > 0, `${totals.renewedRefusals} of them of successors`)
      t.ok(totals.usesAfter > 50, `${totals.usesAfter} uses of log-ins after a revocation`)
      t.ok(totals.successors > 20, `${totals.successors} successors`)
    },
  )
