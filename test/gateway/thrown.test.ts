// A stage that throws: its request is answered with 500 once, has its line, takes nothing along, and the next one is served.
import t from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { openRaw } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { NOTHING_TAKEN, takenOf } from '../support/taken.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { requestLines } from '../support/told.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

for (const parser of ['auto', 'node'])
  for (const thrower of ['now', 'monotonic'] as const)
    t.test(`parser ${parser}: the clock throws at ${thrower}`, async (t) => {
      const fake = createFakeClock(Date.now() + 5000)
      const clock = { ...fake, now: () => fake.now(), monotonic: () => fake.monotonic() }
      const upstream = await startUpstream(t)
      const started = await startTestGateway(
        t,
        {
          listen: { port: 0, parser },
          issuers: [hmacIssuer()],
          upstreams: { up: { targets: [upstream.url] } },
          routes: [{ path: '/*', upstream: 'up' }],
        },
        { clock, schedule: fake.schedule },
      )
      const token = await signHmac({})
      const request = `POST /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 3\r\n\r\nabc`
      const client = await openRaw(t, started.port)
      const works = clock[thrower]
      clock[thrower] = () => {
        clock[thrower] = works
        throw new Error('thrown by the test')
      }
      client.write(request)
      t.match(await client.until(/requestId/), /^HTTP\/1\.1 500 [^]*internal_error/)
      t.notMatch(client.received(), /thrown by/)
      client.write(request)
      t.match(await client.until(/"ok":true/), /HTTP\/1\.1 200 /)
      t.equal(client.received().match(/HTTP\/1\.1/g)?.length, 2)
      t.same(
        requestLines(started).map(({ status }) => status),
        [500, 200],
      )
      t.same(await takenOf(started), NOTHING_TAKEN)
    })
