// What must hold whatever happens in which order: clients, machines with clocks that differ, lost answers, late news of the block list.
import t from 'tap'
import fc from 'fast-check'

import { tokenIdOf } from '../../gateway/src/authenticate/token/token-id.ts'
import { Failure } from '../../gateway/src/failure.ts'
import { createTokenIssuer, type TokenIssuer } from '../../gateway/src/renew/signing/token-issuer.ts'
import { ISSUER, SECRET } from '../support/tokens.ts'
import { claimsOf } from '../support/renewal.ts'
import { createMachine, renewingConfig } from '../support/renewing-machine.ts'

const [LIFETIME, WINDOW, GRACE, OVERLAP, MAX_SESSION] = [60, 25, 20, 10, 180]
/** Each machine's clock is off by at most half of it, so that no two differ by more. */
const TOLERANCE = 4
/** A request arrives, and machines hear of each other's block list, within these seconds. */
const [SLOWEST_REQUEST, SLOWEST_NEWS] = [2, 1]

const START_MS = Date.UTC(2030, 0, 1)
const login = createTokenIssuer({
  alg: 'HS256',
  kid: 'login',
  secret: { value: SECRET, encoding: 'utf8' },
}) as TokenIssuer

type Strategy = 'ahead' | 'grace' | 'both'

interface Step {
  readonly afterMs: number
  readonly client: number
  readonly machine: number
  readonly wayInMs: number
  readonly wayBackMs: number
  readonly lost: boolean
  readonly replay: boolean
}

const step = fc.record<Step>({
  afterMs: fc.oneof({ weight: 3, arbitrary: fc.nat(300) }, { weight: 2, arbitrary: fc.nat(12_000) }),
  client: fc.nat(2),
  machine: fc.nat(2),
  wayInMs: fc.nat(SLOWEST_REQUEST * 1000),
  wayBackMs: fc.nat(3000),
  lost: fc.nat(9).map((die) => die < 3),
  replay: fc.nat(9).map((die) => die === 0),
})

interface Totals {
  requests: number
  renewals: number
  retiredRefused: number
  sessionsEnded: number
}

/** Plays the steps; returns what went wrong, or undefined. */
function play(strategy: Strategy, steps: readonly Step[], skewsMs: readonly number[], newsMs: number, totals: Totals) {
  let nowMs = START_MS
  const queue: { readonly atMs: number; readonly run: () => void }[] = []
  const at = (atMs: number, run: () => void) => void queue.push({ atMs, run })
  const config = renewingConfig(TOLERANCE, {
    strategy,
    ...(strategy === 'grace' ? {} : { window: `${WINDOW}s` }),
    ...(strategy === 'ahead' ? {} : { grace: `${GRACE}s` }),
    overlap: `${OVERLAP}s`,
    lifetime: `${LIFETIME}s`,
    maxSession: `${MAX_SESSION}s`,
  })
  const machines = skewsMs.map((skewMs, index) =>
    createMachine(config, { now: () => nowMs + skewMs, monotonic: () => nowMs }, index === 1),
  )
  for (const { blockList } of machines)
    blockList.onChange(({ entry, origin }) => {
      if (origin !== 'here') return
      for (const other of machines)
        if (other.blockList !== blockList) at(nowMs + newsMs, () => other.blockList.add(entry, 'store'))
    })
  let problem: string | undefined
  /** True time of the first use of the successor, by id of the old token. */
  const firstUseMs = new Map<string, number>()
  let logins = 0
  const logIn = () => {
    const nowSec = Math.floor(nowMs / 1000)
    logins += 1
    return login.sign(
      { iss: ISSUER, sub: 'a', iat: nowSec, exp: nowSec + LIFETIME, auth_time: nowSec, jti: `l${logins}` },
      'JWT',
    )
  }
  const clients = Array.from({ length: 3 }, () => ({ token: logIn(), history: [] as string[] }))

  function arrive(machineIndex: number, token: string, isReplay: boolean, onAnswer: (renewed?: string) => void) {
    const machine = machines[machineIndex]
    const claims = claimsOf(token)
    const [exp, startSec] = [claims['exp'] as number, claims['auth_time'] as number]
    const result = machine?.send(token)
    const machineSec = (nowMs + (skewsMs[machineIndex] ?? 0)) / 1000
    const usedAtMs = firstUseMs.get(tokenIdOf(token)) ?? Infinity
    if (result instanceof Failure || result === undefined) {
      const goodForSec = strategy === 'ahead' ? exp : exp + GRACE - TOLERANCE / 2
      const isLive = nowMs / 1000 < goodForSec && nowMs / 1000 + TOLERANCE / 2 < startSec + MAX_SESSION
      if (isLive && !isReplay) problem ??= `a live session was refused: ${result?.code}`
      if (result?.code === 'token_revoked') totals.retiredRefused += 1
      if (result?.code === 'session_too_old') totals.sessionsEnded += 1
      onAnswer()
      return
    }
    if (claims['renewed_from'] !== undefined && machineSec >= startSec + MAX_SESSION)
      problem ??= 'a session outlived its end'
    const goneMs = usedAtMs + (OVERLAP + TOLERANCE + SLOWEST_NEWS) * 1000
    if (nowMs >= goneMs) problem ??= 'an old token passed after its successor’s first use and the overlap'
    const renewedFrom = claims['renewed_from'] as string | undefined
    if (renewedFrom !== undefined) firstUseMs.set(renewedFrom, Math.min(firstUseMs.get(renewedFrom) ?? Infinity, nowMs))
    onAnswer(result.renewal?.successor?.value)
  }

  let sendAtMs = START_MS
  for (const { afterMs, client: index, machine, wayInMs, wayBackMs, lost, replay } of steps) {
    sendAtMs += afterMs
    at(sendAtMs, () => {
      const client = clients[index]
      if (client === undefined) return
      // Beyond all hope: the user logs in again.
      if (nowMs / 1000 >= (claimsOf(client.token)['exp'] as number) + GRACE) {
        client.token = logIn()
        client.history.length = 0
      }
      const isReplay = replay && client.history.length > 0
      const token = isReplay ? (client.history.at(-1) as string) : client.token
      totals.requests += 1
      at(nowMs + wayInMs, () => {
        arrive(machine, token, isReplay, (renewed) => {
          at(nowMs + wayBackMs, () => {
            const isLater =
              renewed !== undefined && (claimsOf(renewed)['exp'] as number) > (claimsOf(client.token)['exp'] as number)
            if (lost || isReplay || !isLater || client.token !== token) return
            client.history.push(client.token)
            client.token = renewed
            totals.renewals += 1
          })
        })
      })
    })
  }
  while (queue.length > 0 && problem === undefined) {
    let earliest = 0
    queue.forEach(({ atMs }, index) => {
      if (atMs < (queue[earliest] as { atMs: number }).atMs) earliest = index
    })
    const [next] = queue.splice(earliest, 1)
    nowMs = Math.max(nowMs, next?.atMs ?? 0)
    next?.run()
  }
  return problem
}

const skew = fc.integer({ min: (-TOLERANCE / 2) * 1000, max: (TOLERANCE / 2) * 1000 })

for (const strategy of ['ahead', 'grace', 'both'] as const)
  t.test(
    `${strategy}: no live session is refused, none outlives its end, and no old token outlives the overlap`,
    async (t) => {
      const totals: Totals = { requests: 0, renewals: 0, retiredRefused: 0, sessionsEnded: 0 }
      fc.assert(
        fc.property(
          fc.array(step, { minLength: 60, maxLength: 250 }),
          fc.tuple(skew, skew, skew),
          fc.nat(SLOWEST_NEWS * 1000),
          (steps, skews, newsMs) => {
            const problem = play(strategy, steps, skews, newsMs, totals)
            if (problem !== undefined) throw new Error(problem)
          },
        ),
        // In a grace period few old tokens are sent again after the overlap: about five in 60 runs, and once there was none.
        { numRuns: strategy === 'grace' ? 240 : 60, endOnFailure: true },
      )
      // A test in which none of it happens would prove nothing.
      t.comment(JSON.stringify(totals))
      t.ok(totals.renewals > 100, `${totals.renewals} renewals`)
      t.ok(totals.retiredRefused > 0, `${totals.retiredRefused} old tokens refused`)
      t.ok(totals.sessionsEnded > 0, `${totals.sessionsEnded} sessions ended`)
    },
  )
