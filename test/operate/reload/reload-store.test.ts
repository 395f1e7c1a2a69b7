// A reload that changes the store of revocations: a revoked token is refused by every request meanwhile, and by the next start.
import t from 'tap'

import { FILE_ADMIN_TOKEN, startFromFile } from '../../support/gateway-from-file.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { redisServerPath, startRedis } from '../../support/redis.ts'
import { requireComponent } from '../../support/require-component.ts'
import { ISSUER, SECRET, signHmac } from '../../support/tokens.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)

t.test('memory to a folder to Redis and back, with stores that fail between', { skip }, async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const text = (revocation: string, more = '') => `revocation: ${revocation}
issuers: [{ name: main, issuer: "${ISSUER}", audiences: [api], algorithms: [HS256], keys: { secret: { value: "${SECRET}" } } }]
upstreams: { up: { targets: ["${upstream.url}"] } }
routes: [{ path: /*, upstream: up }]
${more}`
  const gateway = await startFromFile(t, text('{ store: memory }'))
  const { url, folder, reload, admin } = gateway
  const revoked = await signHmac({ jti: 'revoked' })
  const good = await signHmac({ jti: 'good' })
  const ask = async (token: string) =>
    (await fetch(`${url}/x`, { headers: { authorization: `Bearer ${token}` } })).status
  t.equal(await ask(revoked), 200)
  t.equal((await admin('POST', '/api/revocations', { token: revoked })).status, 201)
  const statuses = new Set<number>()
  let isDone = false
  const client = (async () => {
    while (!isDone) statuses.add(await ask(revoked))
  })()
  const steps: readonly (readonly [string, RegExp | string])[] = [
    ['{ store: { redis: "redis://127.0.0.1:1" } }', /gateway\.yaml:4:\d+ error: .*Redis refuses connections/],
    ['{ store: { level: ./list } }', 'level'],
    ['{ store: { level: ./gateway.yaml/list } }', /gateway\.yaml:4:\d+ error: .*lies in a file/],
    ['{ store: { level: ./list }, maxEntries: 2 }', 'level'],
    [`{ store: { redis: "${redis.url}" } }`, 'redis'],
    ['{ store: memory }', 'memory'],
    [`{ store: { redis: "${redis.url}" }, onStoreDown: refuse }`, 'redis'],
  ]
  let kind = 'memory'
  for (const [option, expected] of steps) {
    const reloaded = await reload(text(option))
    if (typeof expected === 'string') {
      t.match(reloaded, { ok: true, needsRestart: [] }, option)
      kind = expected
    } else t.match(reloaded, { ok: false, problems: [expected] }, option)
    const listed = (await (await admin('GET', '/api/revocations')).json()) as { total: number; store: object }
    t.match(listed, { total: 1, store: { kind, up: true } })
    t.match(await (await admin('GET', '/metrics')).text(), `tollgate_revocation_store_up{store="${kind}"} 1`)
    t.equal(await ask(good), 200)
    t.equal(await ask(revoked), 401)
  }
  isDone = true
  await client
  t.same([...statuses], [401])
  await reload(text(`{ store: { redis: "${redis.url}" }, maxEntries: 1 }`))
  t.equal((await admin('POST', '/api/revocations', { token: good })).status, 507, 'the new limit holds')
  await gateway.close()
  const again = await startFromFile(t, text(`{ store: { redis: "${redis.url}" } }`), folder)
  const status = (await fetch(`${again.url}/x`, { headers: { authorization: `Bearer ${revoked}` } })).status
  t.equal(status, 401, 'another start knows it')
  t.notMatch(JSON.stringify(gateway.lines), FILE_ADMIN_TOKEN)
})
