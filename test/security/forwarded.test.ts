// Attack: a client lies about its address, its host or its scheme. Amplifier: upstreams that allow by address. Defence: only the
// proxies that the config names are believed, and each adds its own peer.
import t from 'tap'

import { headerValues, startUpstream } from '../support/recording-upstream.ts'
import { sendRaw } from '../support/raw-http.ts'
import { startTestGateway, type Teardown } from '../support/test-gateway.ts'

async function start(t: Teardown, proxy: Record<string, unknown>) {
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    proxy,
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const send = async (...headers: string[]) => {
    await sendRaw(
      port,
      `GET / HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`,
    )
    const seen = upstream.requests.at(-1)
    return (name: string) => headerValues(seen, name)
  }
  return { send }
}

t.test('a trusted proxy’s word is passed on, with the proxy itself as one more hop', async (t) => {
  for (const network of ['127.0.0.1', '127.0.0.0/8', '::1/128']) {
    const { send } = await start(t, { trustedProxies: [network] })
    const seen = await send(
      'X-Forwarded-For: 203.0.113.7',
      'X-Forwarded-For: 10.0.0.1',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: public.example.com',
      'X-Forwarded-Port: 443',
      'X-Real-IP: 203.0.113.7',
      'Forwarded: for=203.0.113.7;proto=https',
    )
    const isTrusted = !network.startsWith('::')
    t.same(seen('x-forwarded-for'), [isTrusted ? '203.0.113.7, 10.0.0.1, 127.0.0.1' : '127.0.0.1'], network)
    t.same(seen('x-forwarded-proto'), [isTrusted ? 'https' : 'http'])
    t.same(seen('x-forwarded-host'), [isTrusted ? 'public.example.com' : 'shop.example.com'])
    t.same(seen('x-forwarded-port'), isTrusted ? ['443'] : [])
    t.same(seen('x-real-ip'), isTrusted ? ['203.0.113.7'] : [])
    t.same(seen('forwarded'), isTrusted ? ['for=203.0.113.7;proto=https, for=127.0.0.1'] : [])
  }
})

t.test('what a trusted proxy does not say is said by the gateway', async (t) => {
  const { send } = await start(t, { trustedProxies: ['127.0.0.1'] })
  const seen = await send()
  t.same(seen('x-forwarded-for'), ['127.0.0.1'])
  t.same(seen('x-forwarded-proto'), ['http'])
  t.same(seen('x-forwarded-host'), ['shop.example.com'])
  t.same(seen('forwarded'), [])
})

t.test(
  'a twin with _ of what proxies say is dropped, also from a trusted one and with underscores: keep',
  async (t) => {
    for (const proxy of [{ underscores: 'keep' }, { underscores: 'keep', trustedProxies: ['127.0.0.1'] }]) {
      const { send } = await start(t, proxy)
      const seen = await send(
        'X_Forwarded_For: 1.2.3.4',
        'X-Forwarded_Host: evil',
        'X_Real_IP: 1.2.3.4',
        'X_Auth_Result: evil',
        'X_Request_ID: evil',
        'X_Tollgate: evil',
        'X_Other: kept',
      )
      for (const name of [
        'x_forwarded_for',
        'x-forwarded_host',
        'x_real_ip',
        'x_auth_result',
        'x_request_id',
        'x_tollgate',
      ])
        t.same(seen(name), [], name)
      t.same(seen('x_other'), ['kept'])
      t.notMatch(seen('x-forwarded-for').join(), '1.2.3.4')
    }
    const { send } = await start(t, {})
    t.same((await send('X_Other: 1'))('x_other'), [], 'dropped unless kept')
  },
)

t.test('via names the gateway both ways, after those before it', async (t) => {
  const { send } = await start(t, { via: 'tollgate' })
  t.same((await send('Via: 1.0 first'))('via'), ['1.0 first', '1.1 tollgate'])
})

// Attack: so many headers that the upstream drops the last ones (Node keeps 1000). Amplifier: the gateway's own words come
// last. Defence: they come first, and what the gateway itself would not see is refused.
t.test('no number of headers pushes out what the gateway says', async (t) => {
  const { send } = await start(t, {})
  for (const count of [100, 900, 997]) {
    const seen = await send(...Array.from({ length: count }, (_item, index) => `a${index % 10}:`))
    t.same(seen('x-forwarded-for'), ['127.0.0.1'], `${count} headers`)
    t.equal(seen('x-request-id').length, 1)
    t.equal(seen('host').length, 1)
  }
  const upstream = await startUpstream(t)
  const { port } = await startTestGateway(t, {
    limits: { headerBytes: '64KiB' },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [{ path: '/*', upstream: 'up', auth: 'none' }],
  })
  const many = Array.from({ length: 1500 }, () => 'a:\r\n').join('')
  t.match(await sendRaw(port, `GET / HTTP/1.1\r\nHost: a\r\n${many}Host: b\r\n\r\n`), /^HTTP\/1\.1 431 /)
  t.equal(upstream.requests.length, 0)
})
