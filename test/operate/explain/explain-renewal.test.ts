import t from 'tap'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'

import { runCli } from '../../support/run-cli.ts'

const SECRET = 'a-secret-of-at-least-thirty-two-bytes'
const RENEWAL_SECRET = 'another-secret-of-more-than-thirty-two-bytes'
const START = Date.UTC(2030, 0, 1) / 1000

function config(renewal: string, tokens = ''): string {
  return `${tokens}
limits: { tokenBytes: 700B }
issuers:
  - name: main
    issuer: i
    audiences: [a]
    algorithms: [HS256]
    clockTolerance: 0s
    keys: { secret: { value: ${SECRET} } }
    renewal: ${renewal}
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes: [{ path: /*, upstream: up }]
`
}

const KEY = `lifetime: 5m, maxSession: 1h, signingKey: { alg: HS256, secret: { value: ${RENEWAL_SECRET} } }`
const AHEAD = `{ window: 1m, ${KEY} }`
const GRACE = `{ strategy: grace, grace: 30s, ${KEY} }`

function tokenOf(claims: object): string {
  const all = { iss: 'i', aud: 'a', sub: 'al', iat: START, exp: START + 300, ...claims }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(all)}`
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
}

for (const [title, options, claims, atSec, outcome, text] of [
  ['before the window', AHEAD, {}, 100, 'not yet', /^from 2030-01-01T00:04:00\.000Z on, in 2 min 20 s/],
  ['in the window', AHEAD, {}, 250, 'sent', /^within the window of 1 min before its expiry: .*x-renewed-token/],
  ['after the expiry, ahead', AHEAD, {}, 301, 'none', /^strategy ahead renews no token after its expiry/],
  ['in the grace', GRACE, {}, 310, 'sent', /^within the grace of 30 s after its expiry/],
  ['after the grace', GRACE, {}, 340, 'none', /^its grace of 30 s is over since 10 s/],
  ['session too old', AHEAD, { auth_time: START - 3500 }, 250, 'none', /^its session is too old: maxSession \(1 h\)/],
  ['session ends with it', AHEAD, { auth_time: START - 3310 }, 250, 'none', /^a successor would not live longer/],
  ['no beginning', AHEAD, { iat: undefined }, 250, 'none', /neither auth_time nor iat/],
  ['a lie', AHEAD, { auth_time: START + 299 }, 250, 'none', /would begin \(auth_time\) after/],
  [
    'text',
    AHEAD,
    { auth_time: '2026-03-14' },
    250,
    'none',
    /its auth_time is not what renewal can read \(a number of seconds/,
  ],
  ['no text', AHEAD, { sid: 7 }, 250, 'none', /its sid is not what renewal can read \(a text\)/],
  ['too long', AHEAD, { x: 'y'.repeat(250) }, 250, 'none', /would be refused: too long \(limits\.tokenBytes/],
  ['refused', AHEAD, { aud: 'b' }, 250, 'none', /^what is refused is not renewed/],
  ['the issuer', '{ window: 1m, maxSession: 1h, endpoint: "https://i.example.com/" }', {}, 250, 'asked', /^within/],
] as const) {
  t.test(`explain says what becomes of renewal: ${title}`, async (t) => {
    const file = join(t.testdir({ 'c.yaml': config(options) }), 'c.yaml')
    const argv = ['explain', '-c', file, 'GET', '/x', '--at', String(START + atSec), '-t', tokenOf(claims)]
    const { renewal } = JSON.parse((await runCli(...argv, '--json')).out) as {
      renewal: { outcome: string; text: string }
    }
    t.equal(renewal.outcome, outcome, renewal.text)
    t.match(renewal.text, text)
    const { out } = await runCli(...argv)
    t.ok(out.includes(renewal.text) && /^ {2}renewal +(yes|later|not yet|no): /m.test(out))
  })
}

t.test('explain tells that a token from a cookie gets no successor in a header', async (t) => {
  const tokens = 'tokens: { from: [{ cookie: session }, { header: x-token }] }'
  const file = join(t.testdir({ 'c.yaml': config(AHEAD, tokens) }), 'c.yaml')
  const { out } = await runCli('explain', '-c', file, 'GET', '/x', '--at', String(START + 250), '-t', tokenOf({}))
  t.match(out, /renewal +no: .*it did not come that way \(deliver\)/)
})
