// Renewal goes on while the store of the block list is away, and what it retires arrives when the store is back.
import t from 'tap'

import { startWithAdmin } from '../revoke/gateway.ts'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { redisServerPath, startRedis } from '../support/redis.ts'
import { renewingIssuer, send, writePrivateKey } from '../support/renewal.ts'
import { requireComponent } from '../support/require-component.ts'
import { signHmac } from '../support/tokens.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)

t.test('while Redis is down tokens are renewed, and their retirement arrives after it is back', { skip }, async (t) => {
  const [upstream, redis] = [await startUpstream(t), await startRedis(t)]
  const options = {
    issuers: [renewingIssuer(writePrivateKey(t), { overlap: '0s' })],
    revocation: { store: { redis: redis.url } },
    routes: [{ path: '/*', upstream: 'up' }],
  }
  const [a, b] = [await startWithAdmin(t, upstream.url, options), await startWithAdmin(t, upstream.url, options)]
  const isUp = async ({ adminUrl }: { readonly adminUrl: string }) =>
    (await (await fetch(`${adminUrl}/metrics`)).text()).includes('tollgate_revocation_store_up{store="redis"} 1')
  await eventually(async () => (await isUp(a)) && (await isUp(b)), 'both have the store')
  await redis.stop()
  await eventually(async () => !(await isUp(a)) && !(await isUp(b)), 'both notice')

  const nowSec = Math.floor(Date.now() / 1000)
  const token = await signHmac({ iat: nowSec - 270, exp: nowSec + 30, auth_time: nowSec - 270, jti: 'first' })
  const [fromA, fromB] = [await send(a, token), await send(b, token)]
  t.match([fromA.status, fromB.status], [200, 200])
  t.match(fromA.renewed, /^ey/)
  t.equal(fromB.renewed, fromA.renewed, 'the same successor, with nobody to agree with')
  t.equal((await send(a, fromA.renewed ?? '')).status, 200)
  t.equal((await send(a, token)).code, 'token_revoked', 'its first use retires the old one here')
  t.equal((await send(b, token)).status, 200, 'nobody could tell the other')

  await redis.start()
  await eventually(async () => (await send(b, token)).code === 'token_revoked', 'it arrives')
  t.equal((await send(b, fromA.renewed ?? '')).status, 200)
})
