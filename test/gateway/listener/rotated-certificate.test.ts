// A certificate that is rotated: the next handshake gets it, by a reload and by `watch: true`, and open connections go on.
import t from 'tap'
import { once } from 'node:events'
import { copyFileSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls'

import { CannotStart } from '../../../gateway/src/failure.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { startChangeable } from '../../support/changeable-gateway.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { requireComponent } from '../../support/require-component.ts'
import type { Teardown } from '../../support/test-gateway.ts'
import { waitFor } from '../../support/wait-for.ts'

const skip = !requireComponent(t, 'openssl', '/usr/bin/openssl')
/** Two looks: one that finds the change, one that finds it settled. */
const SETTLED_MS = 2000

async function open(t: Teardown, port: number, session?: Buffer) {
  // No name: what is asked is which certificate comes, not whether it is trusted.
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(session && { session }) })
  let received = ''
  let ticket: Buffer | undefined
  socket
    .on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
    .on('session', (latest: Buffer) => (ticket = latest))
    .on('error', () => undefined)
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  // Where a session is resumed, no certificate comes.
  const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>
  return { socket, name: subject?.CN, received: () => received, ticket: () => ticket }
}

type Client = Awaited<ReturnType<typeof open>>

/** Asks once more on this connection. */
async function ask({ socket, received }: Client): Promise<boolean> {
  const before = received().length
  socket.write('GET /plain HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitFor(() => received().slice(before).endsWith('plain') || socket.destroyed)
  return received().slice(before).startsWith('HTTP/1.1 200 ')
}

async function start(t: Teardown, home: string, parser: string, watch: boolean) {
  const streams: ServerResponse[] = []
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/plain') response.end('plain')
    else streams.push(response.writeHead(200, { 'content-type': 'text/event-stream' }))
  })
  const pairs = new Map(['old.test', 'new.test'].map((name) => [name, makeCertificate(home, name)]))
  const tls = { cert: join(home, 'tls.crt'), key: join(home, 'tls.key') }
  const rotateTo = (name: string) => {
    const { cert = '', key = '' } = pairs.get(name) ?? {}
    copyFileSync(cert, tls.cert)
    copyFileSync(key, tls.key)
  }
  rotateTo('old.test')
  const options = (path = '/*', files: { cert: string; key: string } = tls) => ({
    watch,
    listen: { tls: files, parser },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path, upstream: 'up', auth: 'none' }],
  })
  const clock = createFakeClock()
  const started = await startChangeable(t, options(), { schedule: clock.schedule })
  return { ...started, clock, streams, tls, pairs, rotateTo, options }
}

type Started = Awaited<ReturnType<typeof start>>

/** A connection that is kept, and one with a stream. */
async function openTwo(t: Teardown, { port, streams }: Started) {
  const [kept, streaming] = [await open(t, port), await open(t, port)]
  const isKept = await ask(kept)
  streaming.socket.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n')
  await waitFor(() => streams.length === 1)
  let told = 0
  return {
    kept,
    names: [kept.name, streaming.name],
    isKept,
    async streamGoesOn() {
      told += 1
      streams[0]?.write(`data: ${told}\n\n`)
      await waitFor(() => streaming.received().includes(`data: ${told}\n\n`) || streaming.socket.destroyed)
      return !streaming.socket.destroyed
    },
  }
}

const isResumed = ({ socket }: { readonly socket: TLSSocket }) => socket.isSessionReused()

for (const parser of ['auto', 'node']) {
  const ways: readonly (readonly [string, boolean, (started: Started) => Promise<unknown>])[] = [
    ['a reload that changes nothing else', false, ({ change, options }) => change(options())],
    ['a reload that changes routes', false, ({ change, options }) => change(options('/:any'))],
    ['watch: true', true, ({ clock }) => clock.advance(SETTLED_MS)],
    ['a reload before watch: true notices', true, ({ change, options }) => change(options())],
  ]
  for (const [way, watch, take] of ways)
    t.test(`parser ${parser}, by ${way}: the next handshake gets what was rotated`, { skip }, async (t) => {
      const started = await start(t, t.testdir({}), parser, watch)
      const { port, gateway, rotateTo } = started
      const { kept, names, isKept, streamGoesOn } = await openTwo(t, started)
      t.same([names, isKept], [['old.test', 'old.test'], true])
      await waitFor(() => kept.ticket() !== undefined)
      const resumed = await open(t, port, kept.ticket())
      t.ok(isResumed(resumed), 'sessions are resumed')

      rotateTo('new.test')
      await take(started)
      const next = await open(t, port)
      t.equal(next.name, 'new.test')
      t.ok(await ask(next))
      const again = await open(t, port, kept.ticket())
      t.same([isResumed(again), again.name], [false, 'new.test'], 'no session of the old one is resumed')
      t.ok((await ask(kept)) && (await ask(resumed)), 'connections of the old one serve on')
      t.ok(await streamGoesOn())
      t.equal(gateway.listeners.connections, 2 * 5, 'each beneath TLS, and in it')
      t.same(gateway.readiness().degraded, [])
    })

  t.test(`parser ${parser}: other files: an idle connection is closed, a stream goes on`, { skip }, async (t) => {
    const started = await start(t, t.testdir({}), parser, false)
    const { port, pairs, change, options } = started
    const { kept, streamGoesOn } = await openTwo(t, started)
    t.same(await change(options('/*', pairs.get('new.test'))), [])
    t.equal((await open(t, port)).name, 'new.test')
    await waitFor(() => kept.socket.destroyed)
    t.ok(await streamGoesOn())
  })

  t.test(`parser ${parser}: a pair that does not go together stops the reload`, { skip }, async (t) => {
    const started = await start(t, t.testdir({}), parser, false)
    const { port, tls, pairs, change, options } = started
    const { kept, streamGoesOn } = await openTwo(t, started)
    for (const spoil of [
      () => {
        copyFileSync(pairs.get('new.test')?.cert ?? '', tls.cert)
      },
      () => {
        writeFileSync(tls.cert, 'junk')
      },
    ]) {
      spoil()
      const error: unknown = await change(options('/none')).catch((reason: unknown) => reason)
      t.ok(error instanceof CannotStart)
      t.match(error, { message: /cannot be used for TLS/, option: ['listen', 0, 'tls'] })
      t.equal((await open(t, port)).name, 'old.test')
      t.ok(await ask(kept), 'and by the old routes')
      t.ok(await streamGoesOn())
    }
  })
}
