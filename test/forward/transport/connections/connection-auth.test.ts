// Connections that an upstream authenticates (NTLM, Negotiate; RFC 4559): kept for the client's connection that began the handshake,
// lent to nobody else. HAProxy's http-reuse has the same rule.
import t from 'tap'
import { Agent, request } from 'node:http'

import {
  challengeBinds,
  credentialsBind,
} from '../../../../gateway/src/forward/transport/connections/connection-auth.ts'
import { startSocketUpstream } from '../../../support/socket-upstream.ts'
import { startTestGateway, type Teardown } from '../../../support/test-gateway.ts'
import { waitFor } from '../../../support/wait-for.ts'

t.test('which credentials and challenges are those of a connection', (t) => {
  for (const [text, credentials, challenge] of [
    ['NTLM', true, true],
    ['ntlm TlRMTVNTUAAB', true, true],
    ['Negotiate YIIJvw', true, true],
    ['NEGOTIATE', true, true],
    ['Nego2 abc', true, true],
    ['Bearer eyJh', false, false],
    ['Basic realm="x", NTLM', false, true],
    ['Basic realm="x",Negotiate oYG2', false, true],
    ['Bearer, \tNegotiate', false, true],
    ['Basic bmVnb3RpYXRl', false, false],
    ['Digest username="ntlm"', false, false],
    ['Nonce x', false, false],
    ['', false, false],
  ] as const) {
    t.equal(credentialsBind(text), credentials, text)
    t.equal(challengeBinds(text), challenge, text)
  }
  t.end()
})

/** Says `who?` until a connection has brought the last word of a handshake; then all that comes over it is Alice's. */
async function startWindows(t: Teardown, scheme: string, lastWord = '') {
  const upstream = await startSocketUpstream(t, (socket) => {
    let who: string | undefined
    socket.on('data', (data: Buffer) => {
      const head = data.toString('latin1')
      const isFinal = new RegExp(`authorization: ${scheme} final`, 'i').test(head)
      if (isFinal) who = 'alice'
      const body = who === undefined ? 'who?' : `hello ${who}`
      const challenge = `WWW-Authenticate: ${scheme}${/authorization/i.test(head) ? ' Y2hhbGxlbmdl' : ''}\r\n`
      const status = who === undefined ? `401 Unauthorized\r\n${challenge}` : `200 OK\r\n${isFinal ? lastWord : ''}`
      socket.write(`HTTP/1.1 ${status}Content-Length: ${body.length}\r\n\r\n${body}`)
    })
  })
  return upstream
}

function gatewayTo(t: Teardown, targets: string[], transport: string, more: object = {}) {
  return startTestGateway(t, {
    upstreams: { up: { targets, transport, retries: 0 } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
    ...more,
  })
}

function clientOf(t: Teardown, port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => {
    agent.destroy()
  })
  const ask = (authorization?: string) =>
    new Promise<string>((resolve, reject) => {
      const headers = authorization === undefined ? {} : { authorization }
      request({ port, agent, headers }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => {
          resolve(text)
        })
      })
        .on('error', reject)
        .end()
    })
  return {
    ask,
    leave: () => {
      agent.destroy()
    },
  }
}

for (const transport of ['direct', 'undici'])
  for (const scheme of ['NTLM', 'Negotiate']) {
    const title = `${transport}, ${scheme}`

    t.test(`${title}: a handshake goes on where it began, and nobody else is served as its user`, async (t) => {
      const upstream = await startWindows(t, scheme)
      const { port } = await gatewayTo(t, [upstream.url], transport)
      const [alice, other] = [clientOf(t, port), clientOf(t, port)]
      t.equal(await alice.ask(), 'who?')
      t.equal(await other.ask(), 'who?')
      t.equal(await alice.ask(`${scheme} first`), 'who?')
      t.equal(await other.ask(), 'who?')
      t.equal(await alice.ask(`${scheme} final`), 'hello alice')
      for (let round = 0; round < 3; round += 1) {
        t.equal(await clientOf(t, port).ask(), 'who?')
        t.equal(await other.ask(), 'who?')
        t.equal(await alice.ask(), 'hello alice', 'her connection is hers')
      }
      alice.leave()
      other.leave()
      await waitFor(() => upstream.open() <= 3)
      t.equal(await clientOf(t, port).ask(), 'who?')
    })

    t.test(`${title}: credentials in one request are enough, and so is the last word of the upstream`, async (t) => {
      const upstream = await startWindows(t, scheme, `WWW-Authenticate: ${scheme} b2s=\r\n`)
      const { port } = await gatewayTo(t, [upstream.url], transport)
      const alice = clientOf(t, port)
      t.equal(await alice.ask(`${scheme} final`), 'hello alice')
      t.equal(await clientOf(t, port).ask(), 'who?')
      alice.leave()
      t.equal(await clientOf(t, port).ask(), 'who?')
    })

    t.test(`${title}: behind a proxy, where many speak through one connection, it is kept for nobody`, async (t) => {
      const upstream = await startWindows(t, scheme)
      const { port } = await gatewayTo(t, [upstream.url], transport, { proxy: { trustedProxies: ['127.0.0.1'] } })
      const proxy = clientOf(t, port)
      t.equal(await proxy.ask(`${scheme} final`), 'hello alice')
      t.equal(await proxy.ask(), 'who?')
      await waitFor(() => upstream.open() === 0)
    })

    t.test(`${title}: of several targets the one that began the handshake gets the rest of it`, async (t) => {
      const upstreams = await Promise.all([1, 2, 3].map(() => startWindows(t, scheme)))
      const { port } = await gatewayTo(
        t,
        upstreams.map(({ url }) => url),
        transport,
      )
      const alice = clientOf(t, port)
      await alice.ask()
      await alice.ask(`${scheme} first`)
      t.equal(await alice.ask(`${scheme} final`), 'hello alice')
      for (let round = 0; round < 4; round += 1) t.equal(await alice.ask(), 'hello alice')
      for (let round = 0; round < 6; round += 1) t.equal(await clientOf(t, port).ask(), 'who?')
    })
  }
