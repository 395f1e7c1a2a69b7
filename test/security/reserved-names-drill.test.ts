// Drill: reserved names in random spellings, over raw connections, to every kind of route on both transports and as WebSockets.
import t from 'tap'
import fc from 'fast-check'

import { drillSize, tellFigure } from '../support/drill-size.ts'
import { openRaw, type RawConnection } from '../support/raw-connection.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'
import { waitFor } from '../support/wait-for.ts'
import { handshakeHead, startWebSocketUpstream } from '../support/websocket.ts'

const EVIL = 'evil'
const BETWEEN = [..."!#$%&'*+-.^_`|~"]
const AUTHS = ['required', 'optional', 'none', 'report-only'] as const
const PER_CONNECTION = 40
const RESERVED = [
  ...['x-auth-result', 'x-tollgate', 'x-request-id', 'x-renewed-token', 'x-original-url', 'x-rewrite-url'],
  ...[
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-user',
    'x-real-ip',
    'forwarded',
    'proxy',
  ],
  ...['keep-alive', 'proxy-connection', 'proxy-authorization', 'proxy-authenticate', 'http2-settings', 'te'],
]

/** Another spelling: any case, any character for each `-`. */
const spelling = fc
  .tuple(fc.constantFrom(...RESERVED), fc.infiniteStream(fc.tuple(fc.boolean(), fc.constantFrom(...BETWEEN))))
  .map(([name, choices]) =>
    [...name]
      .map((character) => {
        const [upper, between] = choices.next().value as [boolean, string]
        return character === '-' ? between : upper ? character.toUpperCase() : character
      })
      .join(''),
  )

const variableOf = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
const FORBIDDEN = new Set(RESERVED.map(variableOf))

/** Names that would be a reserved variable to a CGI program, with a value of the client's. An id may be the client's, by its own name. */
function forgedIn(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter(
    (name, index) =>
      index % 2 === 0 &&
      FORBIDDEN.has(variableOf(name)) &&
      rawHeaders[index + 1] === EVIL &&
      name.toLowerCase() !== 'x-request-id',
  )
}

t.test('no spelling of a reserved name reaches an upstream with a value of the client', async (t) => {
  const token = await signHmac()
  const size = drillSize(150, 20_000)
  let sent = 0
  for (const transport of ['direct', 'undici'] as const) {
    for (const underscores of ['drop', 'keep'] as const) {
      const { url, requests } = await startUpstream(t)
      const { port } = await startTestGateway(t, {
        issuers: [hmacIssuer()],
        proxy: { underscores },
        upstreams: { up: { targets: [url], transport } },
        routes: AUTHS.map((auth) => ({ path: `/${auth}`, upstream: 'up', auth })),
      })
      let connection: RawConnection | undefined
      let onIt = 0
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...AUTHS),
          fc.array(spelling, { minLength: 1, maxLength: 8 }),
          async (auth, names) => {
            if (connection === undefined || onIt === PER_CONNECTION) {
              connection?.socket.destroy()
              connection = await openRaw(t, port)
              onIt = 0
            }
            onIt += 1
            const lines = names.map((name) => `${name}: ${EVIL}\r\n`).join('')
            connection.write(`GET /${auth} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n${lines}\r\n`)
            await waitFor(() => requests.length > 0)
            sent += names.length
            const forged = forgedIn(requests.splice(0)[0]?.rawHeaders ?? [])
            if (forged.length > 0) throw new Error(`passed: ${forged.join(' ')}`)
          },
        ),
        { numRuns: size },
      )
    }
  }
  tellFigure(`${sent} spellings of reserved names over HTTP, none passed`)
  t.ok(sent > size)
})

t.test('nor with the handshake of a WebSocket', async (t) => {
  const upstream = await startWebSocketUpstream(t)
  const size = drillSize(5, 200)
  let sent = 0
  for (const transport of ['direct', 'undici'] as const) {
    const { port } = await startTestGateway(t, {
      proxy: { underscores: 'keep' },
      upstreams: { up: { targets: [upstream.url], transport } },
      routes: [{ path: '/ws', upstream: 'up', auth: 'none', websocket: true }],
    })
    await fc.assert(
      fc.asyncProperty(fc.array(spelling, { minLength: 20, maxLength: 60 }), async (names) => {
        const before = upstream.handshakes.length
        const headers = names.map((name) => `${name}: ${EVIL}`)
        const answer = await handshakeHead(t, port, '/ws', headers)
        if (!answer.startsWith('HTTP/1.1 101 ') || upstream.handshakes.length !== before + 1) throw new Error(answer)
        const forged = forgedIn(upstream.handshakes.at(-1)?.rawHeaders ?? [])
        if (forged.length > 0) throw new Error(`passed: ${forged.join(' ')}`)
        sent += names.length
      }),
      { numRuns: size },
    )
  }
  tellFigure(`${sent} spellings of reserved names with handshakes, none passed`)
  t.ok(sent > size)
})
