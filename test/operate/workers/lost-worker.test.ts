// kill -9 of a worker under load: what fails is what it had, to the request; and what was revoked stays so in the one that takes its place.
import t from 'tap'
import { Agent, type ServerResponse } from 'node:http'

import { eventually } from '../../support/eventually.ts'
import { workersOf } from '../../support/gateway-process.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { answersOfAll, send, startReloadable } from '../../support/reloadable.ts'
import { signHmac } from '../../support/tokens.ts'

const HELD = 12
const PATIENCE_MS = 60_000

t.test('only the requests that a killed worker had fail', async (t) => {
  const held = new Map<string, ServerResponse>()
  const lost = new Set<string>()
  const upstream = await startUpstream(t, (request, response) => {
    const path = request.url ?? ''
    if (!path.startsWith('/same/held')) {
      response.end('served')
      return
    }
    held.set(path, response)
    response.on('close', () => {
      if (!response.writableFinished) lost.add(path)
    })
  })
  const targets = { http: upstream.url, ws: upstream.url }
  const gateway = await startReloadable(t, targets, { first: 'workers: 2' })
  const { url, admin, metrics } = gateway
  const token = await signHmac()
  const revoked = await signHmac({ jti: 'revoked' })
  t.equal((await admin('POST', '/api/revocations', { token: revoked })).status, 201)

  // Each on a connection of its own, which is kept, and one after the other: they are given to the workers in turn.
  const clients: { readonly path: string; readonly agent: Agent; readonly outcome: Promise<number | string> }[] = []
  for (let index = 0; index < HELD; index += 1) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => {
      agent.destroy()
    })
    const path = `/same/held/${index}`
    clients.push({ path, agent, outcome: send(`${url}${path}`, agent, token) })
    await eventually(() => held.size > index, 'it is under way', PATIENCE_MS)
  }
  const [victim = 0] = workersOf(gateway)
  process.kill(victim, 'SIGKILL')
  await eventually(() => lost.size > 0, 'those of the worker are lost', PATIENCE_MS)
  await eventually(
    async () => /tollgate_worker_restarts_total 1\n/.test(await metrics()),
    'it is seen',
    PATIENCE_MS,
    50,
  )
  for (const [path, response] of held) if (!lost.has(path)) response.end('served')
  const outcomes = await Promise.all(clients.map(async ({ path, outcome }) => [path, await outcome] as const))
  t.same(new Set(outcomes.filter(([, outcome]) => outcome !== 200).map(([path]) => path)), lost, 'those, and no other')
  t.ok(lost.size < HELD, `${lost.size} of ${HELD}`)
  const others = clients.filter(({ path }) => !lost.has(path))
  for (const { agent } of others) t.equal(await send(`${url}/same/x`, agent, token), 200, 'their connections go on')

  await eventually(async () => (await metrics()).includes('tollgate_workers 2\n'), 'another came', PATIENCE_MS, 50)
  t.same(await answersOfAll(`${url}/same/x`, token), [200])
  t.same(await answersOfAll(`${url}/same/x`, revoked), [401], 'by the new one as well')
})
