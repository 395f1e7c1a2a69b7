// Drill: issuers that rotate each second under load, over real sockets. No token of a key that is published may be refused.
import t from 'tap'
import type { Test } from 'tap'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { Agent, request } from 'undici'

import { drillSize, tellFigure } from '../support/drill-size.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { createSigner, ISSUER, type Signer } from '../support/tokens.ts'

const ROTATIONS = drillSize(4, 30)
const EVERY_MS = 1000
const ISSUER_TAKES_MS = 20
const CLIENTS = 6

interface Way {
  readonly title: string
  readonly kid: (rotation: number) => string
  readonly inToken: boolean
  readonly inSet: boolean
}

const WAYS: readonly Way[] = [
  { title: 'a new name each time', kid: (rotation) => `key-${rotation}`, inToken: true, inSet: true },
  { title: 'one name for all', kid: () => 'default', inToken: true, inSet: true },
  {
    title: 'two names in turn',
    kid: (rotation) => (rotation % 2 === 0 ? 'blue' : 'green'),
    inToken: true,
    inSet: true,
  },
  { title: 'no names in tokens', kid: (rotation) => `key-${rotation}`, inToken: false, inSet: true },
  { title: 'no names at all', kid: () => '', inToken: false, inSet: false },
]

async function startIssuer(t: Test, publish: () => unknown) {
  let fetches = 0
  const server = createServer((_request, response) => {
    fetches += 1
    setTimeout(() => response.end(JSON.stringify({ keys: [publish()] })), ISSUER_TAKES_MS)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, fetches: () => fetches }
}

async function rotate(t: Test, { title, kid, inToken, inSet }: Way) {
  const signers = await Promise.all(Array.from({ length: ROTATIONS + 1 }, (_, at) => createSigner('ES256', kid(at))))
  let rotation = 0
  const jwkOf = ({ jwk }: Signer) => (inSet ? jwk : { ...jwk, kid: undefined })
  const issuer = await startIssuer(t, () => jwkOf(signers[rotation] as Signer))
  const upstream = await startUpstream(t)
  const { url } = await startTestGateway(t, {
    issuers: [{ name: 'main', issuer: ISSUER, algorithms: ['ES256'], keys: { jwksUrl: issuer.url } }],
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up' }],
  })
  const agent = new Agent({ connections: CLIENTS + 1 })
  t.teardown(() => agent.destroy())
  const send = async (at: number) => {
    const token = await (signers[at] as Signer).sign({ jti: String(Math.random()) }, inToken ? {} : { kid: undefined })
    const { statusCode, body } = await request(url, {
      dispatcher: agent,
      headers: { authorization: `Bearer ${token}` },
    })
    await body.dump()
    return statusCode
  }
  let isOver = false
  const told = { served: 0, refused: 0, old: 0 }
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!isOver) {
      const at = rotation
      const status = await send(at)
      if (status === 200) told.served += 1
      // Who was overtaken by the next rotation is refused rightly.
      else if (at === rotation) told.refused += 1
      await sleep(5)
    }
  })
  const stale = async () => {
    while (!isOver) {
      if (rotation > 0 && (await send(Math.floor(Math.random() * rotation))) === 401) told.old += 1
      await sleep(20)
    }
  }
  const all = [...clients, stale()]
  while (rotation < ROTATIONS) {
    await sleep(EVERY_MS)
    rotation += 1
  }
  await sleep(EVERY_MS)
  isOver = true
  await Promise.all(all)
  tellFigure(
    `${ROTATIONS} rotations, ${title}: ${told.served} served, ${told.refused} wrongly refused, ${told.old} old tokens refused, ${issuer.fetches()} fetches`,
  )
  t.equal(told.refused, 0, `${title}: nobody was refused wrongly`)
  t.ok(told.served > ROTATIONS * 10, `${told.served} served`)
  t.ok(told.old > 0, 'old tokens were refused')
  // The first, one for each rotation, and one in each pause of 30 s on behalf of old tokens.
  t.ok(issuer.fetches() <= ROTATIONS + 4, `${title}: ${issuer.fetches()} fetches`)
}

t.test('a rotation each second costs no request', async (t) => {
  await Promise.all(WAYS.map((way) => rotate(t, way)))
})
