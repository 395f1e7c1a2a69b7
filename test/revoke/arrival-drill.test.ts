// Attack: use a token up to the last moment, on gateways that did not take its revocation, under load, with clocks seconds apart.
import { randomUUID } from 'node:crypto'
import t from 'tap'

import { drillSize, tellFigure } from '../support/drill-size.ts'
import { redisServerPath } from '../support/redis.ts'
import { requireComponent } from '../support/require-component.ts'
import { faketimePath, startSkewed, type SkewedGateway } from '../support/skewed-gateways.ts'
import { signHmac } from '../support/tokens.ts'

const skip = !(requireComponent(t, 'redis-server', redisServerPath) && requireComponent(t, 'faketime', faketimePath))
const ROUNDS = drillSize(30, 500)
const LOAD_CONNECTIONS = 8
/** Calls with a token after it was refused once: none may pass. */
const CALLS_AFTER = 5
const REFUSED = '401 token_revoked'

/** How long after the acknowledgement the last call was sent that passed, in milliseconds (0: none); and calls that passed after a refusal. */
async function useUp(gateway: SkewedGateway, token: string, acknowledged: Promise<number>) {
  let acknowledgedAt = Infinity
  void acknowledged.then((at) => (acknowledgedAt = at))
  let lastPassed = -Infinity
  let wrong = 0
  for (let after = 0; after < CALLS_AFTER;) {
    const sentAt = performance.now()
    const { says } = await gateway.call(token)
    if (says === REFUSED) after += 1
    else if (after > 0 || says !== '200') wrong += 1
    else lastPassed = sentAt
  }
  await acknowledged
  return { lateMs: Math.max(0, lastPassed - acknowledgedAt), wrong }
}

t.test(
  'revoked on one of three gateways, refused on the others within 100 ms for 99 of 100, and never passed again',
  { skip },
  async (t) => {
    const { gateways } = await startSkewed(t, [2000, 0, -2000])
    let isOver = false
    let calls = 0
    const load = gateways.flatMap((gateway) =>
      Array.from({ length: LOAD_CONNECTIONS }, async () => {
        const token = await signHmac({ jti: randomUUID(), exp: Math.floor(Date.now() / 1000) + 3600 })
        while (!isOver) {
          const { says } = await gateway.call(token)
          calls += 1
          if (says !== '200') t.fail(`somebody else was refused: ${says}`)
        }
      }),
    )
    const late: number[] = []
    let wrong = 0
    const startedAt = performance.now()
    for (let round = 0; round < ROUNDS; round += 1) {
      const jti = randomUUID()
      const token = await signHmac({ jti, exp: Math.floor(Date.now() / 1000) + 3600 })
      const writer = gateways[round % gateways.length] as SkewedGateway
      const others = gateways.filter((gateway) => gateway !== writer)
      for (const other of others) await other.call(token)
      const acknowledged = writer.revoke(round % 2 === 0 ? { token } : { jti }).then(() => performance.now())
      for (const used of await Promise.all(others.map((other) => useUp(other, token, acknowledged)))) {
        late.push(used.lateMs)
        wrong += used.wrong
      }
    }
    const seconds = (performance.now() - startedAt) / 1000
    isOver = true
    await Promise.all(load)
    late.sort((a, b) => a - b)
    const at = (share: number) => late[Math.min(Math.floor(late.length * share), late.length - 1)] ?? Infinity
    tellFigure(
      `arrival of ${ROUNDS} revocations at two other gateways, clocks 4 s apart, ${(calls / seconds).toFixed(0)} other calls/s: ` +
        `the last call that passed was sent after the acknowledgement by p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, at most ${at(1).toFixed(1)} ms; ` +
        `${wrong} passed after the first refusal`,
    )
    t.equal(wrong, 0)
    t.ok(at(0.99) < 100, `p99 ${at(0.99).toFixed(1)} ms`)
  },
)
