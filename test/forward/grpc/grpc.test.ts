// gRPC through the gateway, with the clients and servers that services use: each kind of call, its end, and each refusal.
import t from 'tap'
import { once } from 'node:events'
import { connect } from 'node:http2'

import { GRPC_STATUS } from '../../../gateway/src/accept/grpc-answer.ts'
import { grpcMessage, grpcTimeoutMs, isGrpc } from '../../../gateway/src/message/fields/grpc-call.ts'
import { startTestGateway, type Teardown } from '../../support/test-gateway.ts'
import { requestLines } from '../../support/told.ts'
import { hmacIssuer, nowSec, signHmac } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'
import { grpc, type Call, type GrpcError } from '../../support/grpc.ts'

const asBytes = (bytes: Buffer) => bytes
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/echo.Echo/${name}`,
  ...{ requestStream, responseStream, requestSerialize: asBytes, requestDeserialize: asBytes },
  ...{ responseSerialize: asBytes, responseDeserialize: asBytes },
})
const SERVICE = {
  unary: method('Unary', false, false),
  fail: method('Fail', false, false),
  down: method('Down', false, true),
  up: method('Up', true, false),
  both: method('Both', true, true),
  silent: method('Silent', false, false),
}

async function startService(t: Teardown) {
  const calls: { cancelled: boolean }[] = []
  function note(call: Call): void {
    const noted = { cancelled: false }
    calls.push(noted)
    call.on('cancelled', () => (noted.cancelled = true))
  }
  const server = new grpc.Server()
  server.addService(SERVICE, {
    unary(call: Call, reply: (error: null, value: Buffer) => void) {
      note(call)
      reply(null, Buffer.from(`<${String(call.request)}>`))
    },
    fail(_call: Call, reply: (error: { code: number; details: string }) => void) {
      reply({ code: 9, details: 'not now: 100 %' })
    },
    down(call: Call) {
      note(call)
      for (const piece of ['a', 'b', 'c']) call.write(Buffer.from(piece))
      if (String(call.request) !== 'open') call.end()
    },
    up(call: Call, reply: (error: null, value: Buffer) => void) {
      const pieces: Buffer[] = []
      call.on('data', (piece: Buffer) => pieces.push(piece))
      call.on('end', () => {
        reply(null, Buffer.concat(pieces))
      })
    },
    both(call: Call) {
      note(call)
      call.on('data', (piece: Buffer) => call.write(Buffer.from(`<${String(piece)}>`)))
      call.on('end', () => call.end())
    },
    silent(call: Call) {
      note(call)
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error: Error | null, bound: number) => {
      if (error === null) resolve(bound)
      else reject(error)
    })
  })
  t.teardown(() => {
    server.forceShutdown()
  })
  return { target: `http://127.0.0.1:${port}`, calls }
}

async function start(t: Teardown) {
  const { target, calls } = await startService(t)
  const gateway = await startTestGateway(t, {
    listen: { h2c: true },
    limits: { bodyBytes: '64KiB' },
    issuers: [hmacIssuer()],
    upstreams: {
      echo: { targets: [target], protocol: 'h2c' },
      gone: { targets: ['http://127.0.0.1:1'], protocol: 'h2c', retries: 0 },
    },
    routes: [
      { path: '/echo.Echo/*', upstream: 'echo' },
      { path: '/scoped.Echo/*', upstream: 'echo', require: { scopes: { all: ['echo'] } } },
      { path: '/gone.Echo/*', upstream: 'gone', auth: 'none' },
    ],
  })
  const Client = grpc.makeGenericClientConstructor(SERVICE, 'Echo')
  const client = new Client(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure())
  t.teardown(() => {
    client.close()
  })
  const metadata = new grpc.Metadata()
  metadata.set('authorization', `Bearer ${await signHmac()}`)
  return { gateway, client, metadata, calls }
}

const collect = async (call: Call): Promise<string> => {
  const pieces: string[] = []
  for await (const piece of call as unknown as AsyncIterable<Buffer>) pieces.push(String(piece))
  return pieces.join(' ')
}

t.test('each kind of call passes: unary, streams either way and both ways, errors with their text', async (t) => {
  const { client, metadata } = await start(t)
  const unary = (name: string, text: string) =>
    new Promise<{ error: GrpcError | null; value: string }>((resolve) => {
      client[name]?.(Buffer.from(text), metadata, (error: GrpcError | null, value?: Buffer) => {
        resolve({ error, value: String(value) })
      })
    })
  t.same(await unary('unary', 'one'), { error: null, value: '<one>' })
  t.match((await unary('fail', 'x')).error, { code: 9, details: 'not now: 100 %' })
  t.equal(await collect(client['down']?.(Buffer.from('x'), metadata) as Call), 'a b c')
  const up = await new Promise<string>((resolve, reject) => {
    const call = client['up']?.(metadata, (error: GrpcError | null, value?: Buffer) => {
      if (error === null) resolve(String(value))
      else reject(error)
    }) as Call
    for (const piece of ['a', 'b', 'c']) call.write(Buffer.from(piece))
    call.end()
  })
  t.equal(up, 'abc')
  const both = client['both']?.(metadata) as Call
  both.write(Buffer.from('a'))
  const [first] = (await once(both, 'data')) as [Buffer]
  t.equal(String(first), '<a>', 'answered before the end of the request')
  both.write(Buffer.from('b'))
  both.end()
  t.equal(await collect(both), '<b>')
})

t.test('a call that its client cancels or whose deadline passes is cancelled at the service', async (t) => {
  const { client, metadata, calls } = await start(t)
  const open = client['down']?.(Buffer.from('open'), metadata) as Call
  open.on('error', () => undefined)
  await once(open, 'data')
  open.cancel()
  await waitFor(() => calls[0]?.cancelled === true)
  const error = await new Promise<GrpcError | null>((resolve) => {
    client['silent']?.(Buffer.from('x'), metadata, { deadline: Date.now() + 300 }, resolve)
  })
  t.equal(error?.code, 4, 'DEADLINE_EXCEEDED')
  await waitFor(() => calls[1]?.cancelled === true)
})

t.test('a refusal is a status that clients of gRPC read', async (t) => {
  const { client, metadata, gateway } = await start(t)
  const withToken = async (changes: Parameters<typeof signHmac>[0]) => {
    const own = new grpc.Metadata()
    own.set('authorization', `Bearer ${await signHmac(changes)}`)
    return own
  }
  const cases = [
    [16, 'token_missing', '/echo.Echo/Unary', new grpc.Metadata()],
    [16, 'token_expired', '/echo.Echo/Unary', await withToken({ iat: nowSec() - 200, exp: nowSec() - 100 })],
    [16, 'audience_mismatch', '/echo.Echo/Unary', await withToken({ aud: 'other' })],
    [7, 'scope_missing', '/scoped.Echo/Unary', metadata],
    [12, 'route_not_found', '/other.Echo/Unary', metadata],
    [14, 'upstream_unreachable', '/gone.Echo/Unary', metadata],
  ] as const
  for (const [code, failure, path, own] of cases) {
    const error = await new Promise<GrpcError | null>((resolve) => {
      client.makeUnaryRequest(path, asBytes, asBytes, Buffer.from('x'), own, {}, resolve)
    })
    t.match(error, { code }, failure)
    t.equal(error?.metadata.get('x-tollgate')[0], failure)
    t.ok((error?.details ?? '').length > 5, failure)
  }
  await waitFor(() => requestLines(gateway).length === cases.length)
  t.same(
    requestLines(gateway).map(({ code }) => code),
    cases.map(([, failure]) => failure),
  )
  const large = await new Promise<GrpcError | null>((resolve) => {
    client['unary']?.(Buffer.alloc(100_000), metadata, resolve)
  })
  t.equal(large?.code, GRPC_STATUS.body_too_large)
})

t.test('gRPC-Web is answered as plain HTTP is', async (t) => {
  const { gateway } = await start(t)
  const session = connect(gateway.url)
  t.teardown(() => {
    session.destroy()
  })
  const heads: Record<string, unknown>[] = []
  for (const type of ['application/grpc-web+proto', 'application/grpc+proto']) {
    const stream = session.request({ ':method': 'POST', ':path': '/echo.Echo/Unary', 'content-type': type })
    stream
      .on('response', (head) => heads.push(head))
      .resume()
      .end()
    await once(stream, 'close')
  }
  t.match(heads[0], { ':status': 401, 'content-type': 'application/problem+json' })
  t.match(heads[1], { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16' })
})

t.test('what gRPC says is read as its specification has it', async (t) => {
  for (const [value, ms] of [
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3000],
    ['250m', 250],
    ['1000u', 1],
    ['1000000n', 1],
    ['123456789S', Infinity],
    ['1s', Infinity],
    ['', Infinity],
  ] as const)
    t.equal(grpcTimeoutMs({ headers: { 'grpc-timeout': value } }), ms, value)
  t.equal(grpcMessage('a é %\n'), 'a %C3%A9 %25%0A')
  for (const [type, is] of [
    ['application/grpc', true],
    ['application/grpc+proto', true],
    ['application/grpc;charset=utf-8', true],
    ['application/grpc-web', false],
    ['application/json', false],
  ] as const)
    t.equal(isGrpc({ httpVersion: '2.0', headers: { 'content-type': type } }), is, type)
  t.equal(isGrpc({ httpVersion: '1.1', headers: { 'content-type': 'application/grpc' } }), false)
})
