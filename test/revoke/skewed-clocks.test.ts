// Gateways whose clocks differ, as processes of their own: what is revoked is refused everywhere at once, and overlaps are lengths.
import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'

import { eventually } from '../support/eventually.ts'
import { redisServerPath } from '../support/redis.ts'
import { requireComponent } from '../support/require-component.ts'
import { faketimePath, startSkewed, type SkewedGateway } from '../support/skewed-gateways.ts'
import { signHmac } from '../support/tokens.ts'

const skip = !(requireComponent(t, 'redis-server', redisServerPath) && requireComponent(t, 'faketime', faketimePath))
const ROUNDS = 20
/** News takes a few milliseconds to arrive; under the load of other tests some more. What clocks are off by is far more. */
const ARRIVAL_MS = 500

const nowSec = () => Math.floor(Date.now() / 1000)

/** How long calls with it passed after the acknowledgement, in milliseconds; Infinity if they never stopped. */
async function passedFor(gateway: SkewedGateway, token: string): Promise<number> {
  const acknowledgedAt = performance.now()
  let passedAt = acknowledgedAt
  while (performance.now() - acknowledgedAt < ARRIVAL_MS) {
    const { says } = await gateway.call(token)
    if (says === '401 token_revoked') return passedAt - acknowledgedAt
    passedAt = performance.now()
  }
  return Infinity
}

async function pair(t: Test, skewsMs: readonly number[], renewal: Record<string, unknown> = {}) {
  const { gateways } = await startSkewed(t, skewsMs, { renewal })
  return gateways as unknown as readonly [SkewedGateway, SkewedGateway]
}

for (const [title, skewsMs] of [
  ['ahead', [2000, 0]],
  ['behind', [-2000, 0]],
] as const)
  t.test(
    `revoked by a gateway whose clock is 2 s ${title}, refused by the other at once: each of 20`,
    { skip },
    async (t) => {
      const [writer, other] = await pair(t, skewsMs)
      const passed: number[] = []
      for (let round = 0; round < ROUNDS; round += 1) {
        const token = await signHmac({ jti: randomUUID(), exp: nowSec() + 50 })
        t.equal((await other.call(token)).says, '200')
        const body =
          round % 2 === 0 ? { token } : { jti: (JSON.parse(atob(token.split('.')[1] ?? '')) as { jti: string }).jti }
        t.equal((await writer.revoke(body))['status'], 201)
        passed.push(await passedFor(other, token))
      }
      passed.sort((a, b) => a - b)
      t.comment(`passed for ms after the acknowledgement: ${passed.map((ms) => ms.toFixed(1)).join(' ')}`)
      t.ok((passed.at(-1) ?? Infinity) < ARRIVAL_MS, 'each was refused in time')
    },
  )

for (const [title, skewsMs] of [
  ['ahead', [2000, 0]],
  ['behind', [-2000, 0]],
] as const)
  t.test(
    `a subject revoked by a gateway whose clock is 2 s ${title}: of 20, what was renewed just before is refused, a log-in right after works`,
    { skip },
    async (t) => {
      const [writer, other] = await pair(t, skewsMs)
      const outcomes = await Promise.all(
        Array.from({ length: ROUNDS }, async (_, index) => {
          await new Promise((resolve) => setTimeout(resolve, index * 50))
          const sub = randomUUID()
          const iat = nowSec() - 40
          const { renewed = '' } = await other.call(await signHmac({ sub, iat, exp: iat + 60, jti: randomUUID() }))
          const fresh = await signHmac({ sub, iat: nowSec(), jti: randomUUID() })
          const before = [(await other.call(renewed)).says, (await other.call(fresh)).says]
          const { status, entries } = await writer.revoke({ sub })
          const again = await signHmac({ sub, iat: nowSec(), jti: randomUUID() })
          const [{ issuedBefore = 0 } = {}] = entries as { issuedBefore?: number }[]
          const after = [await passedFor(other, renewed), await passedFor(other, fresh)].map((ms) => ms < ARRIVAL_MS)
          const logIn = [(await writer.call(again)).says, (await other.call(again)).says]
          return JSON.stringify([before, status, issuedBefore <= nowSec(), after, logIn])
        }),
      )
      const right = JSON.stringify([['200', '200'], 201, true, [true, true], ['200', '200']])
      t.same(new Set(outcomes), new Set([right]))
    },
  )

t.test('how far a clock is off the one of Redis is told, and beyond clockTolerance warned of', { skip }, async (t) => {
  const { gateways } = await startSkewed(t, [20_000, -3000])
  const aheadOf = async (gateway: SkewedGateway) =>
    Number(/^tollgate_revocation_store_clock_ahead_seconds (\S+)$/m.exec(await gateway.metrics())?.[1])
  const [far, near] = gateways as [SkewedGateway, SkewedGateway]
  t.ok(Math.abs((await aheadOf(far)) + 20) < 0.5, 'Redis is 20 s behind the one')
  t.ok(Math.abs((await aheadOf(near)) - 3) < 0.5, 'and 3 s ahead of the other')
  t.match(far.output(), /"behindSec":-(20|19\.9)[\d.]*,"toleranceSec":10,.*further apart/)
  t.notMatch(near.output(), /further apart/)
})

t.test('an overlap of 2 s is 2 s on machines 3 s apart: no honest session ends, each of 20', { skip }, async (t) => {
  const [ahead, behind] = await pair(t, [1500, -1500], { overlap: '2s', onReuse: 'revoke-session' })
  const sessions = await Promise.all(
    Array.from({ length: ROUNDS }, async (_, index) => {
      // Not all at the same fraction of a second, on which rounding would depend.
      await new Promise((resolve) => setTimeout(resolve, index * 50))
      const iat = nowSec() - 100
      const token = await signHmac({ sid: randomUUID(), iat, exp: iat + 120 })
      const [first, second] = index % 2 === 0 ? [ahead, behind] : [behind, ahead]
      const { renewed = '' } = await first.call(token)
      const says = [(await first.call(renewed)).says]
      const usedAt = performance.now()
      // Requests that were sent before the client had the successor.
      for (const gateway of [second, first, second]) says.push((await gateway.call(token)).says)
      while (performance.now() - usedAt < 1500) await new Promise((resolve) => setTimeout(resolve, 50))
      if (performance.now() - usedAt < 1950) says.push((await second.call(token)).says)
      says.push((await second.call(renewed)).says)
      return says.every((one) => one === '200') ? 'lives' : says.join(', ')
    }),
  )
  t.same(
    sessions,
    Array.from({ length: ROUNDS }, () => 'lives'),
  )
})

t.test(
  'a clock that is wrong by far: what is revoked there is revoked, on the machines that are right',
  { skip },
  async (t) => {
    const [hour, month] = [3_600_000, 35 * 86_400_000]
    for (const skewMs of [hour, -hour, month, -month]) {
      const { gateways } = await startSkewed(t, [skewMs, 0])
      const [wrong, right] = gateways as [SkewedGateway, SkewedGateway]
      for (const kind of ['token', 'jti', 'sid', 'sub'] as const) {
        const names = { jti: `j ${kind}`, sid: `s ${kind}`, sub: `u ${kind}` }
        const token = await signHmac(names)
        t.equal((await right.call(token)).says, '200')
        const { status } = await wrong.revoke(kind === 'token' ? { token } : { [kind]: names[kind] })
        t.equal(status, 201)
        const isRefused = async () => (await right.call(token)).says === '401 token_revoked'
        await eventually(isRefused, `${kind} revoked on a machine ${skewMs / 1000} s ahead`)
      }
    }
  },
)
