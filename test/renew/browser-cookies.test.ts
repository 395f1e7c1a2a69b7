// Chromium with a log-in cookie of another domain or path than the gateway's own: renewed, used on, and gone after log-out.
import t from 'tap'
import type { Test } from 'tap'
import { dirname } from 'node:path'

import { chromiumPath, launchBrowser } from '../sample-backend/browser.ts'
import { makeCertificate } from '../support/certificates.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { firstToken, renewingIssuer, writePrivateKey } from '../support/renewal.ts'
import { requireComponent } from '../support/require-component.ts'
import { startTestGateway } from '../support/test-gateway.ts'

const isHere = [
  requireComponent(t, 'Chromium', chromiumPath),
  requireComponent(t, 'openssl', '/usr/bin/openssl'),
].every(Boolean)

const API = 'api.shop.test'
const BESIDE = 'www.shop.test'

async function start(t: Test, deliver: unknown, cookies: readonly string[]) {
  const clock = createFakeClock()
  const upstream = await startUpstream(t, (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>page</title>'),
  )
  // Each directory of a test begins empty: the key first, and the certificate beside it.
  const pemFile = writePrivateKey(t)
  const gateway = await startTestGateway(
    t,
    {
      listen: { port: 0, tls: makeCertificate(dirname(pemFile), API) },
      issuers: [renewingIssuer(pemFile, { deliver, overlap: '0s' })],
      tokens: { from: cookies.map((cookie) => ({ cookie })) },
      upstreams: { up: { targets: [upstream.url] } },
      routes: [
        { path: '/page/*', upstream: 'up', auth: 'none' },
        { path: '/app/*', upstream: 'up' },
        { path: '/app/logout', action: 'revoke', methods: ['POST'], clearSiteData: ['storage'] },
      ],
    },
    { clock, schedule: clock.schedule },
  )
  const browser = await launchBrowser(t, ['host-resolver-rules=MAP *.test 127.0.0.1', 'ignore-certificate-errors'])
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`https://${API}:${gateway.port}/page/`)
  /** Status of an answer to the page. */
  const call = (path: string, method = 'GET') =>
    page.evaluate(([path = '', method = '']) => fetch(path, { method }).then(({ status }) => status), [path, method])
  /** What the browser has for both hosts, wherever it is sent. */
  const jar = async () =>
    (await context.cookies()).map(({ name, domain, path }) => `${name} ${domain} ${path}`).toSorted()
  const logIn = async (value: string, at: { readonly domain: string; readonly path: string }) =>
    context.addCookies([{ name: 'session', value, secure: true, httpOnly: true, ...at }])
  return { clock, gateway, upstream, context, page, call, jar, logIn }
}

const PLACES = [
  ['for the whole domain', `.shop.test`, '/'],
  ['for another path', API, '/app'],
  ['for another path of the whole domain', '.shop.test', '/app/'],
] as const

for (const [title, domain, path] of PLACES)
  t.test(`a log-in cookie ${title}`, { skip: !isHere, timeout: 120_000 }, async (t) => {
    const { clock, upstream, call, jar, logIn } = await start(t, 'cookie', ['session'])
    const token = await firstToken(clock)
    await logIn(token, { domain, path })
    t.equal(await call('/app/1'), 200)
    await clock.advance(250_000)
    t.equal(await call('/app/2'), 200)
    t.same(await jar(), [`session ${API} /`], 'the successor has taken its place')
    for (const target of ['/app/3', '/app/4/5']) t.equal(await call(target), 200, 'calls pass on')

    await logIn(token, { domain, path })
    t.equal((await jar()).length, 2, 'the log-in cookie is there again, with the retired token')
    t.equal(await call('/app/6'), 200, 'and locks nobody out')
    t.notMatch(upstream.requests.at(-1)?.headers.cookie, token, 'the upstream sees the successor alone')
    await clock.advance(240_000)
    t.equal(await call('/app/7'), 200)
    t.same(await jar(), [`session ${API} /`], 'the next successor takes it away')

    await logIn(token, { domain, path })
    t.equal(await call('/app/logout', 'POST'), 204)
    t.same(await jar(), [], 'log-out leaves no cookie')
    t.equal(await call('/app/8'), 401)
    await logIn(token, { domain, path })
    t.equal(await call('/app/9'), 401, 'nor would the token pass that was in one')
    await logIn(await firstToken(clock, { jti: 'second' }), { domain, path })
    t.equal(await call('/app/10'), 200, 'the next log-in passes')
  })

t.test('a cookie with the __Host- prefix beside that of the log-in', { skip: !isHere, timeout: 120_000 }, async (t) => {
  const deliver = { cookie: { name: 'session', hostPrefix: true, sameSite: 'strict' } }
  const { clock, call, jar, logIn } = await start(t, deliver, ['session', '__Host-session'])
  await logIn(await firstToken(clock), { domain: '.shop.test', path: '/' })
  await clock.advance(250_000)
  t.equal(await call('/app/1'), 200)
  t.same(await jar(), [`__Host-session ${API} /`])
  t.equal(await call('/app/2'), 200)
  t.equal(await call('/app/logout', 'POST'), 204)
  t.same(await jar(), [])
})

t.test('a cookie for the whole domain, as the log-in has it', { skip: !isHere, timeout: 120_000 }, async (t) => {
  const deliver = { cookie: { domain: 'shop.test', sameSite: 'none', maxAge: '8h' } }
  const { clock, gateway, page, call, jar, logIn } = await start(t, deliver, ['session'])
  await logIn(await firstToken(clock), { domain: '.shop.test', path: '/' })
  await clock.advance(250_000)
  t.equal(await call('/app/1'), 200)
  t.same(await jar(), ['session .shop.test /'], 'replaced where it was')
  await page.goto(`https://${BESIDE}:${gateway.port}/page/`)
  t.equal(await call('/app/2'), 200, 'the host beside has it as well')
  t.equal(await call('/app/logout', 'POST'), 204, 'and logs both out')
  t.same(await jar(), [])
})
