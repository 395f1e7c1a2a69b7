// The wall clock is set while the gateway runs, either way: no deadline, queue, pause or cool-down comes sooner or later for it,
// and what goes by the wall clock, the end of a token, is judged anew within a quarter of a second.
import t from 'tap'

import { createFailureLimit } from '../../gateway/src/accept/failure-limit.ts'
import { createEndpoint } from '../../gateway/src/renew/endpoint.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'
import { createFakeUpstream, targets } from '../support/fake-upstream.ts'
import { openRaw } from '../support/raw-connection.ts'
import { codeOf } from '../support/raw-http.ts'
import { startAnswering, startSocketUpstream } from '../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'

const HOUR_MS = 3_600_000
const JUMPS_MS = [HOUR_MS, -HOUR_MS, 20 * 365 * 24 * HOUR_MS, -20 * 365 * 24 * HOUR_MS, 700, -700]

async function start(t: Teardown, target: string, upstream: object = {}, route: object = { auth: 'none' }) {
  const clock = createFakeClock()
  const gateway = await startTestGateway(
    t,
    {
      issuers: [hmacIssuer({ maxLifetime: '12h' })],
      upstreams: { up: { targets: [target], retries: 0, ...upstream } },
      routes: [{ path: '/*', upstream: 'up', ...route }],
    },
    { clock, schedule: clock.schedule },
  )
  const ask = async (more = '') => {
    const client = await openRaw(t, gateway.port)
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${more}\r\n`)
    return client
  }
  return { clock, ask }
}

for (const jumpMs of JUMPS_MS) {
  const jumped = `the clock jumps by ${jumpMs / 1000} s`

  t.test(`${jumped}: a request waits for a connection as long as it may, and no longer`, async (t) => {
    const { clock, send } = createFakeUpstream({ targets: targets(1), connections: 1, queue: { timeout: '5s' } })
    send()
    const second = send()
    await clock.advance(1000)
    const third = send()
    clock.jump(jumpMs)
    await clock.advance(3999)
    t.same(second.events, [])
    await clock.advance(1)
    t.match(second.events, [/none became free within 5000 ms/])
    t.same(third.events, [])
    await clock.advance(1000)
    t.match(third.events, [/none became free within 5000 ms/])
  })

  t.test(`${jumped}: an ejected target comes back when its time is over`, async (t) => {
    const { clock, calls, send } = createFakeUpstream({
      targets: targets(2),
      retries: 0,
      ejection: { failures: 1, time: '10s' },
    })
    send()
    calls[0]?.fail('ECONNREFUSED')
    clock.jump(jumpMs)
    const asked = () => {
      for (let count = 0; count < 4; count += 1) send()
      const seen = calls.map(({ target }) => target.slice(-1))
      for (const call of [...calls]) call.answer()
      return seen.join('')
    }
    await clock.advance(9999)
    t.equal(asked(), '2222')
    await clock.advance(1)
    t.match(asked(), /1/)
  })

  t.test(`${jumped}: a response is waited for as long as it may take, and no longer`, async (t) => {
    const silent = await startSocketUpstream(t, (socket) => socket.resume())
    const { clock, ask } = await start(t, silent.url)
    const client = await ask()
    await waitFor(() => silent.open() === 1)
    await clock.advance(1000)
    clock.jump(jumpMs)
    await clock.advance(13_000)
    t.equal(client.received(), '')
    await clock.advance(2000)
    t.equal(codeOf(await client.until(/requestId/)), 'upstream_timeout')
  })

  t.test(`${jumped}: an idle connection is kept for its four seconds`, async (t) => {
    const upstream = await startAnswering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    const { clock, ask } = await start(t, upstream.url)
    await (await ask()).until(/ok$/)
    clock.jump(jumpMs)
    await clock.advance(3900)
    t.equal(upstream.open(), 1)
    await clock.advance(101)
    await waitFor(() => upstream.open() === 0)
  })

  t.test(`${jumped}: a whole exchange, and silence in a body, have their times`, async (t) => {
    const begins = await startAnswering(t, 'HTTP/1.1 200 OK\r\n\r\nbegun')
    for (const timeouts of [{ total: '30s' }, { idle: '30s' }]) {
      const { clock, ask } = await start(t, begins.url, { timeouts })
      const client = await ask()
      await client.until(/begun/)
      await clock.advance(1000)
      clock.jump(jumpMs)
      await clock.advance(28_500)
      t.notOk(client.closed(), JSON.stringify(timeouts))
      await clock.advance(1500)
      await waitFor(client.closed)
    }
  })

  t.test(`${jumped}: a stream ends when the new time says that its token has expired, and not before`, async (t) => {
    const events = await startAnswering(t, 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n')
    const { clock, ask } = await start(t, events.url, {}, { auth: 'required' })
    const iat = Math.floor(clock.now() / 1000)
    const client = await ask(`Authorization: Bearer ${await signHmac({ iat, exp: iat + 600 })}\r\n`)
    await client.until(/data: 1/)
    const ended = () => /\r\n0\r\n\r\n$/.test(client.received())
    await clock.advance(1000)
    clock.jump(jumpMs)
    await clock.advance(250)
    if (jumpMs < 600_000) {
      t.notOk(ended(), 'the new time counts')
      clock.jump(590_000 - jumpMs)
      await clock.advance(250)
      t.notOk(ended(), 'its token has some seconds left')
      // With the tolerance of its issuer for clocks.
      clock.jump(75_000)
      await clock.advance(250)
    }
    await waitFor(ended)
  })

  t.test(`${jumped}: failed tokens of a client are counted for as long as it says`, async (t) => {
    const clock = createFakeClock()
    const limit = createFailureLimit({ max: 1, per: 60_000 }, clock)
    limit.count('192.0.2.1')
    clock.jump(jumpMs)
    await clock.advance(59_999)
    t.ok(limit.isReached('192.0.2.1'))
    await clock.advance(1)
    t.notOk(limit.isReached('192.0.2.1'))
  })

  t.test(`${jumped}: an issuer that failed is left alone for its pause`, async (t) => {
    const clock = createFakeClock()
    let asked = 0
    const endpoint = createEndpoint({
      url: 'http://issuer.test/',
      timeoutMs: 1000,
      maxRequests: 1,
      clock,
      askIssuer: () => {
        asked += 1
        return Promise.reject(new Error('down'))
      },
    })
    await t.rejects(Promise.resolve(endpoint.ask('1', 'token')).then(() => undefined))
    clock.jump(jumpMs)
    await clock.advance(999)
    t.equal(endpoint.ask('1', 'token'), undefined)
    await clock.advance(1)
    await t.rejects(Promise.resolve(endpoint.ask('1', 'token')).then(() => undefined))
    await settle()
    t.equal(asked, 2)
  })
}
