// Location on its way back: what points at the target leads through the gateway again, what points elsewhere stays.
import t from 'tap'

import { authoritiesOf, restoreLocation } from '../../../gateway/src/forward/headers/location.ts'
import { compileRewrite } from '../../../gateway/src/forward/headers/rewrite.ts'
import { startAnswering } from '../../support/socket-upstream.ts'
import { sendRaw } from '../../support/raw-http.ts'
import { startTestGateway } from '../../support/test-gateway.ts'

const TARGETS = ['http://things.internal:3001', 'https://secure.internal', 'http://plain.internal', 'unix:/run/x.sock']

function restored(location: string, route: string, rewrite: string | undefined, asked: string): string {
  const headers = ['X-A', '1', 'Location', location]
  restoreLocation(headers, authoritiesOf(TARGETS), compileRewrite(route, rewrite), asked)
  return headers[3] ?? ''
}

t.test('addresses of the target become paths of the gateway', async (t) => {
  const cases: readonly [string, string][] = [
    ['http://things.internal:3001/things/7', '/api/7'],
    ['HTTP://THINGS.internal:3001/things/7?a=%2F#f', '/api/7?a=%2F#f'],
    ['https://secure.internal/things/7', '/api/7'],
    ['https://secure.internal:443/things/7', '/api/7'],
    ['http://plain.internal:80/things/7', '/api/7'],
    ['http://localhost/things/7', '/api/7'],
    ['http://things.internal:3001/things', '/api'],
    ['http://things.internal:3001', '/'],
    ['http://things.internal:3001/other', '/other'],
    ['/things/7?next=/things/8', '/api/7?next=/things/8'],
    ['/thingsandmore', '/thingsandmore'],
    ['7', '7'],
    ['../7', '../7'],
    ['?page=2', '?page=2'],
    ['', ''],
  ]
  for (const [location, expected] of cases)
    t.equal(restored(location, '/api/*', '/things/*', '/api/1'), expected, location)
})

t.test('addresses of others stay as they are, however like the target’s they look', async (t) => {
  const others = [
    'http://things.internal/things/7',
    'http://things.internal:3002/things/7',
    'http://user@things.internal:3001/things/7',
    'http://things.internal:3001.evil.example/things',
    '//things.internal:3001/things/7',
    'https://login.example.com/?back=http://things.internal:3001/things',
    'urn:things:7',
    'mailto:a@things.internal',
  ]
  for (const location of others) t.equal(restored(location, '/api/*', '/things/*', '/api/1'), location)
})

t.test('with parameters, with exact routes and without a rewrite', async (t) => {
  t.equal(restored('/acme/7', '/t/:tenant/x/*', '/:tenant/*', '/t/acme/x/1'), '/t/acme/x/7')
  t.equal(restored('/other/7', '/t/:tenant/x/*', '/:tenant/*', '/t/acme/x/1'), '/other/7')
  t.equal(restored('/inner?a', '/outer', '/inner', '/outer'), '/outer?a')
  t.equal(restored('http://things.internal:3001/a/b', '/a/*', undefined, '/a/x'), '/a/b')
  t.equal(restored('/b', '/api/*', '/*', '/api/a'), '/api/b')
})

t.test('it is done for 201 and 3xx over the wire, in whatever spelling, and for nothing else', async (t) => {
  for (const [status, expected] of [
    [201, '/api/7'],
    [301, '/api/7'],
    [307, '/api/7'],
    [200, '/things/7'],
  ] as const) {
    const upstream = await startAnswering(t, `HTTP/1.1 ${status} X\r\nLOCATION: /things/7\r\nContent-Length: 0\r\n\r\n`)
    const { port } = await startTestGateway(t, {
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/api/*', upstream: 'up', rewrite: '/things/*', auth: 'none' }],
    })
    const answer = await sendRaw(port, 'POST /api/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    t.ok(answer.includes(`LOCATION: ${expected}\r\n`), answer)
  }
})
