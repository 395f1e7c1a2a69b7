// Where the fast lane takes a request, node:http reads the same: in thousands of cases here, in a million by `npm run fuzz:lane`.
import t from 'tap'

import { tellFigure } from '../../support/drill-size.ts'
import { fuzzLane } from '../../support/lane/fuzz-round.ts'
import { createNodeReader, PARSING } from '../../support/lane/node-reader.ts'
import { createComparer, told } from '../../support/lane/reading-difference.ts'
import { TYPICAL_HEADS } from '../../support/lane/typical-heads.ts'
import { startTestGateway } from '../../support/test-gateway.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

t.test('the oracle has the options of the gateway’s own server', async (t) => {
  const { gateway } = await startTestGateway(t, {
    upstreams: { up: { targets: ['http://127.0.0.1:9'] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const server = gateway.listeners.current[0]?.server.server as unknown as Record<string, unknown>
  t.equal(server['maxHeaderSize'], PARSING.maxHeaderSize)
  t.equal(server['requireHostHeader'], PARSING.requireHostHeader)
  for (const [option, value] of Object.entries({
    insecureHTTPParser: [undefined, false],
    joinDuplicateHeaders: [undefined, false],
    maxHeadersCount: [undefined, null],
    httpValidation: [undefined],
  }))
    t.ok((value as unknown[]).includes(server[option]), `${option} is as Node has it by itself`)
})

t.test(
  'the oracle sees what is there: bodies, faults, how long the connection lives, and where the next one begins',
  async (t) => {
    const reader = createNodeReader()
    const { requests } = reader.read(
      bytes('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nokGET /b HTTP/1.1\r\nConnection: close\r\n\r\n'),
    )
    t.same(
      requests.map(({ target, body, complete, keepsAlive }) => [target, body.toString(), complete, keepsAlive]),
      [
        ['/a', 'ok', true, true],
        ['/b', '', true, false],
      ],
    )
    t.equal(reader.read(bytes('GET / HTTP/1.1\r\nA : b\r\n\r\n')).fault, 'HPE_INVALID_HEADER_TOKEN')
    t.equal(reader.read(bytes('PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab')).requests[0]?.complete, false)
  },
)

t.test('the typical requests of clients and proxies are all taken', async (t) => {
  const comparer = createComparer()
  for (const [name, head] of Object.entries(TYPICAL_HEADS)) {
    const difference = comparer.compare(head)
    t.equal(difference && told(difference), undefined, name)
  }
  t.same(comparer.counts, { both: Object.keys(TYPICAL_HEADS).length, left: 0, unfinished: 0 })
})

t.test('whatever the lane takes, node:http reads in the same way', { timeout: 100_000 }, async (t) => {
  const { cases, counts, difference } = await fuzzLane({ step: 71, wild: 8000, seed: 1 + (Date.now() % 1_000_000) })
  t.equal(difference, undefined)
  t.ok(counts.both > 4000 && counts.left > 4000, 'both ends of it are well tried')
  tellFigure(
    `${cases} cases, ${counts.both} read by both in the same way, ${counts.left} left, ${counts.unfinished} waited for`,
  )
})
