// What a reload took away, with a stream open on it: 404 for the next request, and the stream goes on until its token ends.
import t from 'tap'
import type { ServerResponse } from 'node:http'

import { startChangeable, statusOf } from '../../support/changeable-gateway.ts'
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { openRaw } from '../../support/raw-connection.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import type { Teardown } from '../../support/test-gateway.ts'
import { hmacIssuer, ISSUER, signHmac } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'
import { closeOf, nextMessage, openWebSocket, startWebSocketUpstream } from '../../support/websocket.ts'

const LIFETIME_SEC = 60
const ROUTE = { path: '/kept', upstream: 'up', auth: 'none' }

type Started = Awaited<ReturnType<typeof start>>

async function start(t: Teardown, parser: string) {
  const clock = createFakeClock(Date.now())
  const streams: ServerResponse[] = []
  const up = await startUpstream(t, (request, response) => {
    if (request.url === '/kept') {
      response.end('kept')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    streams.push(response)
  })
  const ws = await startWebSocketUpstream(t)
  const issuers = [hmacIssuer()]
  const kept = { listen: { parser }, upstreams: { up: { targets: [up.url] } }, routes: [ROUTE] }
  const gone = [
    { path: '/events', upstream: 'up' },
    { path: '/ws', upstream: 'ws', websocket: true },
  ]
  const before = {
    ...kept,
    issuers,
    upstreams: { ...kept.upstreams, ws: { targets: [ws.url] } },
    routes: [ROUTE, ...gone],
  }
  const started = await startChangeable(t, before, { clock, schedule: clock.schedule })
  const iat = Math.floor(clock.now() / 1000)
  const token = await signHmac({ jti: 'gone', iat, exp: iat + LIFETIME_SEC })
  const other = await signHmac({ jti: 'another', iat, exp: iat + 10 * LIFETIME_SEC })
  return { ...started, clock, streams, before, kept: { ...kept, issuers }, withoutIssuer: kept, token, other }
}

/** What is open on the routes, one stream and one WebSocket for each token. */
async function openBoth(t: Teardown, { port, url, streams }: Started, token: string) {
  const events = await openRaw(t, port)
  const at = streams.length
  events.write(`GET /events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await events.until(/\r\n\r\n/)
  const { socket } = await openWebSocket(`${url}/ws`, [], { headers: { authorization: `Bearer ${token}` } })
  t.teardown(() => {
    socket.terminate()
  })
  let told = 0
  return {
    closed: closeOf(socket),
    isOver: () => /\r\n0\r\n\r\n$/.test(events.received()) || events.closed(),
    /** Both still bring what is said. */
    async goOn() {
      told += 1
      const [text, echoed] = [`data: ${told}\n\n`, nextMessage(socket)]
      streams[at]?.write(text)
      socket.send(String(told))
      await events.until(new RegExp(text))
      return events.received().includes(text) && (await echoed) === String(told)
    },
  }
}

/** The ways in which a token ends. */
const ENDINGS: readonly (readonly [string, (clock: FakeClock, gateway: Started['gateway']) => Promise<unknown>])[] = [
  ['expires', (clock) => clock.advance((LIFETIME_SEC + 1) * 1000 + 500)],
  [
    'is revoked',
    async (_clock, { revocation }) =>
      revocation.block([
        {
          ...{ kind: 'jti', issuer: ISSUER, value: 'gone', issuedBeforeSec: undefined },
          ...{ overlapSec: 0, untilSec: 9e9, reason: 'revoked' },
        },
      ]),
  ],
]

for (const parser of ['auto', 'node'])
  for (const [ending, end] of ENDINGS)
    for (const also of ['', ', its upstream and its issuer too'])
      t.test(`parser ${parser}: a route is removed${also}; its streams end when their token ${ending}`, async (t) => {
        const started = await start(t, parser)
        const { gateway, url, clock, change, kept, withoutIssuer, token, other } = started
        const [ours, others] = [await openBoth(t, started, token), await openBoth(t, started, other)]

        await change(also === '' ? kept : withoutIssuer)
        t.equal(await statusOf(`${url}/events`, token), 404)
        t.equal((await openWebSocket(`${url}/ws`)).status, 404)
        t.equal(await statusOf(`${url}/kept`), 200)
        t.ok((await ours.goOn()) && (await others.goOn()), 'both go on')
        t.equal(gateway.generations, 2)

        await end(clock, gateway)
        t.equal((await ours.closed)[0], 4401)
        await waitFor(ours.isOver)
        t.notOk(others.isOver())
        t.ok(await others.goOn(), 'those of another token go on')

        await clock.advance(10 * LIFETIME_SEC * 1000 + 500)
        t.equal((await others.closed)[0], 4401)
        await waitFor(() => others.isOver() && gateway.generations === 1)
      })
