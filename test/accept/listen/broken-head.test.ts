// What is read of a head that could not be parsed, and that no such head takes long to read.
import { connect } from 'node:net'
import t from 'tap'

import { readBrokenHead } from '../../../gateway/src/accept/listen/broken-head.ts'
import { statusOf } from '../../support/raw-http.ts'
import { startTestGateway } from '../../support/test-gateway.ts'

const READ: readonly (readonly [head: string, url: string | undefined, host?: string, origin?: string])[] = [
  ['GET /a HTTP/1.1\r\nHost: a\r\nOrigin: https://b\r\n', '/a', 'a', 'https://b'],
  ['\r\nGET /a HTTP/1.1\r\nhost:a\r\nORIGIN:\thttps://b \t\r\n', '/a', 'a', 'https://b'],
  ['GET /a HTTP/1.1\r\nHost:\r\n', '/a', ''],
  // Of what is not whole nothing is believed.
  ['GET /a HTTP/1.1\r\nHost: a', '/a'],
  ['GET /a', undefined],
  ['\x16\x03\x01', undefined],
]

t.test('of a broken head the target, Host and Origin are read', async (t) => {
  for (const [head, url, host, origin] of READ)
    t.same(
      readBrokenHead(Buffer.from(head, 'latin1')),
      { url, headers: { ...(host === undefined ? {} : { host }), ...(origin === undefined ? {} : { origin }) } },
      JSON.stringify(head),
    )
  t.same(readBrokenHead(undefined), { url: undefined, headers: {} })
})

/** As much as Node reads of a connection at once. */
const PACKET_BYTES = 65_536

/** Where an expression that can split a run in two would take quadratic time: seconds for one packet. */
const LONG: Readonly<Record<string, (run: number) => string>> = {
  'blanks in Host': (run) => `GET / HTTP/1.1\r\nHost:${' '.repeat(run)}\0`,
  'tabs in Origin': (run) => `GET / HTTP/1.1\r\nOrigin:${'\t'.repeat(run)}\0`,
  'empty lines': (run) => '\r\n'.repeat(run / 2),
  'letters for a method': (run) => 'A'.repeat(run),
  'a target without an end': (run) => `GET ${'/'.repeat(run)}`,
  'Hosts without an end': (run) => '\r\nhost:'.repeat(run / 7),
}

for (const [what, bytes] of Object.entries(LONG))
  t.test(`a broken head of ${what} is read in no time`, async (t) => {
    const packet = Buffer.from(bytes(PACKET_BYTES), 'latin1')
    const startedAt = performance.now()
    readBrokenHead(packet)
    t.ok(performance.now() - startedAt < 200, 'a packet takes no quadratic time')
  })

t.test('attack: blanks in a Host that breaks off; amplifier: the head is read again; others are served', async (t) => {
  const { port, url } = await startTestGateway(t, {
    upstreams: { up: { targets: ['http://127.0.0.1:1'] } },
    routes: [{ path: '/up', upstream: 'up', auth: 'none' }],
  })
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  const answer = new Promise<string>((resolve) => socket.once('data', (text) => resolve(String(text))))
  socket.write(`GET / HTTP/1.1\r\nHost:${' '.repeat(PACKET_BYTES - 100)}\0`)
  const startedAt = performance.now()
  t.equal((await fetch(url)).status, 404)
  t.equal(statusOf(await answer), 400)
  t.ok(performance.now() - startedAt < 1000, `both took ${(performance.now() - startedAt).toFixed()} ms`)
  socket.destroy()
})
