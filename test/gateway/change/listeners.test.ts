// Listeners that come, go and change while clients are at work: nobody who is elsewhere notices, and nobody's request is lost.
import t from 'tap'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { ServerResponse } from 'node:http'

import { CannotStart } from '../../../gateway/src/failure.ts'
import { buildServer } from '../../../gateway/src/gateway/gateway.ts'
import { createLog } from '../../../gateway/src/observe/log.ts'
import { startChangeable } from '../../support/changeable-gateway.ts'
import { askAt, freePort } from '../../support/listeners.ts'
import { openRaw } from '../../support/raw-connection.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { testConfig, type Teardown } from '../../support/test-gateway.ts'
import { waitFor } from '../../support/wait-for.ts'

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

/** An upstream that holds `/held` until the test lets go. */
async function startHolding(t: Teardown) {
  const held: ServerResponse[] = []
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/held') held.push(response)
    else request.on('end', () => response.end('ok'))
  })
  const options = (listen: readonly object[], path = '/*') => ({
    listen,
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path, upstream: 'up', auth: 'none' }],
  })
  return { held, upstream, options }
}

const okCount = (text: string) => text.split('HTTP/1.1 200 OK').length - 1

for (const parser of ['auto', 'node']) {
  t.test(`${parser}: a new listener serves before the old one closes, and the others notice nothing`, async (t) => {
    const { held, options } = await startHolding(t)
    const [staying, leaving, coming] = [
      { parser },
      { port: await freePort(), parser },
      { port: await freePort(), parser },
    ]
    const { gateway, change } = await startChangeable(t, options([staying, leaving]))
    const [stays = '', leaves = ''] = gateway.listeners.urls
    const portOf = (url: string) => Number(new URL(url).port)
    const kept = await openRaw(t, portOf(stays))
    const [idle, fresh, busy] = [
      await openRaw(t, leaving.port),
      await openRaw(t, leaving.port),
      await openRaw(t, leaving.port),
    ]
    for (const raw of [kept, idle]) {
      raw.write(GET('/a'))
      await raw.until(/ok$/)
    }
    busy.write(GET('/held'))
    await waitFor(() => held.length === 1)

    t.same(await change(options([staying, coming])), [])
    t.same(gateway.listeners.urls, [stays, `http://127.0.0.1:${coming.port}`])
    t.equal((await askAt(gateway.listeners.urls[1])).status, 200)
    await t.rejects(askAt(leaves), { message: 'ECONNREFUSED' })
    await waitFor(() => idle.closed())
    t.equal(okCount(idle.received()), 1, 'an idle connection is closed')
    if (parser === 'auto') await waitFor(() => fresh.closed())
    t.notOk(busy.closed(), 'a request under way goes on')
    held[0]?.end('late')
    await waitFor(() => busy.closed())
    t.match(busy.received(), /connection: close\r\n[^]*late/i, 'and is the last of its connection')

    kept.write(GET('/b'))
    await waitFor(() => okCount(kept.received()) === 2)
    t.notMatch(kept.received(), /connection: close/i)
    t.notOk(kept.closed(), 'a connection elsewhere stays')
    fresh.socket.destroy()
    await waitFor(() => gateway.listeners.connections === 1)
  })

  t.test(`${parser}: a stream of a closed listener goes on, and a body that comes slowly is taken`, async (t) => {
    const { held, options, upstream } = await startHolding(t)
    const leaving = { port: await freePort(), parser }
    const { change } = await startChangeable(t, options([leaving, { parser }]))
    const [stream, upload] = [await openRaw(t, leaving.port), await openRaw(t, leaving.port)]
    stream.write(GET('/held'))
    upload.write('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\none')
    await waitFor(() => held.length === 1)
    held[0]?.write('first')
    await stream.until(/first/)
    await change(options([{ parser }]))
    held[0]?.write('second')
    await stream.until(/second/)
    t.notOk(stream.closed() || upload.closed())
    upload.write('two')
    await upload.until(/ok/)
    t.equal(upstream.requests.find(({ url }) => url === '/up')?.body.toString(), 'onetwo')
    held[0]?.end()
    await waitFor(() => stream.closed() && upload.closed())
    t.match(stream.received(), /\r\n0\r\n\r\n$/, 'whole')
  })
}

t.test('an address that cannot be listened at makes the change fail, and nothing has changed', async (t) => {
  const { options } = await startHolding(t)
  const taken = createServer().listen(await freePort(), '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as { port: number }
  const free = await freePort()
  const { gateway, change, port: own } = await startChangeable(t, options([{ host: '127.0.0.1' }]))
  const before = { config: gateway.config, urls: gateway.listeners.urls }
  const kept = await openRaw(t, own)
  kept.write(GET('/a'))
  await kept.until(/ok$/)
  for (const [listen, option] of [
    [
      [{ port: free }, { port }],
      ['listen', 1, 'port'],
    ],
    [
      [{ port: free }, { host: '192.0.2.1', port: free }],
      ['listen', 1, 'host'],
    ],
    [
      [{ port: free }, { systemd: 'web' }],
      ['listen', 1, 'systemd'],
    ],
    [
      [{ port: free }, { tls: { cert: '/none', key: '/none' } }],
      ['listen', 1, 'tls', 'cert'],
    ],
  ] as const) {
    const error = await change(options(listen, '/none')).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    t.ok(error instanceof CannotStart)
    t.same((error as CannotStart).option, option)
    t.same({ config: gateway.config, urls: gateway.listeners.urls }, before)
    t.equal(gateway.generations, 1)
    await t.rejects(askAt(`http://127.0.0.1:${free}`), { message: 'ECONNREFUSED' }, 'what was opened is closed again')
  }
  kept.write(GET('/b'))
  await waitFor(() => okCount(kept.received()) === 2)
})

for (const end of ['stopAccepting', 'close'] as const) {
  t.test(`${end}: a gateway that ends listens at no other address, whenever the change was begun`, async (t) => {
    const { held, options } = await startHolding(t)
    const { gateway, change, port } = await startChangeable(t, options([{ host: '127.0.0.1' }]))
    const [before, after] = [await freePort(), await freePort()]
    const next = (extra: number) => options([{ host: '127.0.0.1' }, { port: extra }])
    const prepared = await gateway.prepare(testConfig(next(before)))
    await prepared.openStore()
    const stream = await openRaw(t, port)
    stream.write(GET('/held'))
    await waitFor(() => held.length === 1)
    const ended = gateway[end]()
    await t.rejects(change(next(after)), new CannotStart('the gateway is shutting down', undefined))
    prepared.commit()
    for (const extra of [before, after])
      await t.rejects(askAt(`http://127.0.0.1:${extra}`), { message: 'ECONNREFUSED' })
    held[0]?.end('whole')
    await stream.until(/whole/)
    await ended
  })
}

t.test('a wider or narrower address on the same port needs a restart, and the reload says so', async (t) => {
  const { options } = await startHolding(t)
  const port = await freePort()
  const { change } = await startChangeable(t, options([{ port }]))
  for (const [host, shown] of [
    ['0.0.0.0', `0.0.0.0:${port}`],
    ['::', `[::]:${port}`],
  ] as const)
    await t.rejects(change(options([{ host, port }])), {
      message: `${shown} is taken by 127.0.0.1:${port} as long as that one listens: a change of it needs a restart (listen)`,
      option: ['listen', 0],
    })
  t.same(await change(options([{ host: '::', port, ipv6Only: true }])), [], 'that does not take 127.0.0.1')
})

t.test('who connects to a new address before the change is done is served by the next config alone', async (t) => {
  const { options } = await startHolding(t)
  const port = await freePort()
  const { gateway } = await startChangeable(t, options([{}], '/old'))
  const listen = [...testConfig(options([{}])).listen, ...testConfig(options([{ port }])).listen]
  const next = { ...testConfig(options([{}], '/new')), listen }
  const given = await gateway.prepare(next)
  const early = await openRaw(t, port)
  const gone = await openRaw(t, port)
  early.write(GET('/old') + GET('/new'))
  gone.socket.resetAndDestroy()
  t.equal((await askAt(gateway.listeners.urls[0], '/old')).status, 200)
  t.equal(early.received(), '', 'nobody is served there')
  await given.abandon()
  await waitFor(() => early.closed())
  t.equal(early.received(), '')
  await t.rejects(askAt(`http://127.0.0.1:${port}`), { message: 'ECONNREFUSED' })

  const done = await gateway.prepare(next)
  const patient = await openRaw(t, port)
  patient.write(GET('/old') + GET('/new'))
  done.commit()
  t.match(await patient.until(/ok$/), /^HTTP\/1.1 404 [^]*HTTP\/1.1 200 OK/)
})

t.test('a change before it listens is one of where it will', async (t) => {
  const { options } = await startHolding(t)
  const [first, second] = [await freePort(), await freePort()]
  const log = createLog({ level: 'info' }, { write: () => undefined })
  const fetchJson = () => Promise.reject(new Error('no keys are fetched here'))
  const gateway = buildServer(testConfig(options([{ port: first }, {}])), { log, version: 'test', fetchJson })
  t.teardown(() => gateway.close())
  const given = await gateway.prepare(testConfig(options([{ port: second }])))
  given.commit()
  await t.rejects(askAt(`http://127.0.0.1:${second}`), { message: 'ECONNREFUSED' })
  await gateway.listen()
  t.same(gateway.listeners.urls, [`http://127.0.0.1:${second}`])
  t.equal((await askAt(gateway.listeners.urls[0])).status, 200)
  await t.rejects(askAt(`http://127.0.0.1:${first}`), { message: 'ECONNREFUSED' })
})

t.test('the parser of a listener changes for new connections; those that were there end', async (t) => {
  const { options } = await startHolding(t)
  const { change, port, gateway } = await startChangeable(t, options([{ parser: 'auto' }]))
  const ofLane = async () => Number(/parser="lane"[^}]*} (\d+)/.exec(await gateway.metrics.text())?.[1])
  const before = await openRaw(t, port)
  before.write(GET('/a'))
  await before.until(/ok$/)
  t.equal(await ofLane(), 1)
  t.same(await change(options([{ parser: 'node' }])), [])
  t.equal(gateway.listeners.urls[0], `http://127.0.0.1:${port}`)
  await waitFor(() => before.closed())
  t.equal((await askAt(gateway.listeners.urls[0])).status, 200)
  t.equal(await ofLane(), 1)
})
