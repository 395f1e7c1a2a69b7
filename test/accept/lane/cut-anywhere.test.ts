// However its bytes are cut into reads, a connection with the fast lane in front gets what it gets of node:http alone.
import t from 'tap'

import { tellFigure } from '../../support/drill-size.ts'
import { createMemoryServer } from '../../support/lane/lane-server.ts'
import { fuzzSplits } from '../../support/lane/split-round.ts'

const request = (path: string, lines = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`

t.test('the lane serves what is plain, and what follows a request that is not is for node:http', async (t) => {
  const server = createMemoryServer(true)
  const { requests, byLane, written } = await server.tell(
    [request('/1'), request('/2'), request('/3', 'TE: trailers\r\n'), request('/4')].map((text) => Buffer.from(text)),
  )
  t.same(
    requests.map(({ target }) => target),
    ['/1', '/2', '/3', '/4'],
  )
  t.equal(byLane, 2)
  t.equal(written.match(/HTTP\/1\.1 200 OK\r\n/g)?.length, 4)
})

t.test('cut anywhere, all is read and answered as by node:http alone', { timeout: 100_000 }, async (t) => {
  const seed = 1 + (Date.now() % 1_000_000)
  const { cases, served, byLane, difference } = await fuzzSplits({ every: 9, random: 600, seed })
  t.equal(difference, undefined, `with seed ${seed}`)
  t.ok(byLane > served / 4, 'the lane takes its share')
  t.ok(byLane < served, 'and node:http its own')
  tellFigure(`${cases} ways to cut connections, ${served} requests, ${byLane} by the lane`)
})
