// The pages of two sites in a real browser, with a cookie that it sends for both: one may act with it, the other may not.
import t from 'tap'
import type { Test } from 'tap'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'

import { chromiumPath, launchBrowser } from '../../sample-backend/browser.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { eventually } from '../../support/eventually.ts'
import { requireComponent } from '../../support/require-component.ts'
import { startTestGateway } from '../../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../../support/tokens.ts'
import { startWebSocketUpstream } from '../../support/websocket.ts'

const isHere = [
  requireComponent(t, 'Chromium', chromiumPath),
  requireComponent(t, 'openssl', '/usr/bin/openssl'),
].every(Boolean)

const API = 'api.shop.test'
const BESIDE = 'www.shop.test'
const EVIL = 'evil.test'

type Scheme = 'http' | 'https'

/** A page of whatever host is asked for. Returns its port. */
async function startPages(t: Test, tls: { readonly cert: string; readonly key: string } | undefined): Promise<number> {
  const onRequest: http.RequestListener = (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>page</title>')
  const server =
    tls === undefined
      ? http.createServer(onRequest)
      : https.createServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, onRequest)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** The gateway is one origin, the pages of all hosts are others; a port makes no other site. */
async function start(t: Test, scheme: Scheme) {
  const upstream = await startWebSocketUpstream(t)
  const tls = scheme === 'http' ? undefined : makeCertificate(t.testdir({}), API)
  const pagesPort = await startPages(t, tls)
  const { lines, port } = await startTestGateway(t, {
    listen: { port: 0, ...(tls === undefined ? {} : { tls }) },
    issuers: [hmacIssuer()],
    tokens: { from: [{ cookie: 'token' }] },
    upstreams: { up: { targets: [upstream.url] } },
    routes: [
      { path: '/page', upstream: 'up', auth: 'none' },
      { path: '/act/*', upstream: 'up' },
      { path: '/named/*', upstream: 'up', origins: [`${scheme}://${EVIL}:${pagesPort}`] },
      { path: '/ws/*', upstream: 'up', websocket: true },
    ],
  })
  const browser = await launchBrowser(t, ['host-resolver-rules=MAP *.test 127.0.0.1', 'ignore-certificate-errors'])
  const context = await browser.newContext()
  const page = await context.newPage()
  const open = async (host: string) => {
    await page.goto(host === API ? `${scheme}://${API}:${port}/page` : `${scheme}://${host}:${pagesPort}/`)
    return page
  }
  /** How a request ended, by the access log: it stands there whatever the page may see of it. */
  const outcomeOf = async (path: string) => {
    const line = () => lines.find((found) => found['path'] === path && found['status'] !== undefined)
    await eventually(() => line() !== undefined, `an access line for ${path}`)
    return line()?.['code'] ?? line()?.['status']
  }
  return { context, open, outcomeOf, api: `${scheme}://${API}:${port}` }
}

/** As any page can: without a preflight, and without reading the answer. */
function post(page: Page, url: string): Promise<unknown> {
  return page.evaluate(
    (url) => fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' }).then(() => 0),
    url,
  )
}

async function submitForm(page: Page, url: string): Promise<void> {
  await page.setContent(`<form method="post" action="${url}"><button>Win a prize</button></form>`)
  await page.getByRole('button').click()
  await page.waitForURL(url)
}

/** Whether it was opened. */
function openWebSocket(page: Page, url: string): Promise<boolean> {
  return page.evaluate(
    (url) =>
      new Promise<boolean>((resolve) => {
        const socket = new WebSocket(url)
        socket.onopen = () => resolve(true)
        socket.onerror = () => resolve(false)
      }),
    url.replace(/^http/, 'ws'),
  )
}

t.test('by HTTPS, where the browser tells the site', { skip: !isHere, timeout: 120_000 }, async (t) => {
  const { context, open, outcomeOf, api } = await start(t, 'https')
  const cookie = {
    name: 'token',
    value: await signHmac(),
    domain: API,
    path: '/',
    secure: true,
    sameSite: 'None' as const,
  }
  await context.addCookies([cookie])

  const own = await open(API)
  await post(own, `${api}/act/own`)
  t.equal(await outcomeOf('/act/own'), 200, 'the own page')
  t.ok(await openWebSocket(own, `${api}/ws/own`), 'the own page opens a WebSocket')

  const beside = await open(BESIDE)
  await post(beside, `${api}/act/beside`)
  t.equal(await outcomeOf('/act/beside'), 200, 'a page of the same site')
  t.notOk(await openWebSocket(beside, `${api}/ws/beside`), '… but no WebSocket')
  t.equal(await outcomeOf('/ws/beside'), 'origin_forbidden')

  // Chromium sends no cookie with what a page of another site loads or fetches, but with the forms that it submits.
  await submitForm(await open(EVIL), `${api}/named/form`)
  t.equal(await outcomeOf('/named/form'), 200, 'a form of another site that the route names: the cookie comes along')
  await submitForm(await open(EVIL), `${api}/act/form`)
  t.equal(await outcomeOf('/act/form'), 'origin_forbidden', 'a form of another site')
})

// Sec-Fetch-Site is sent to trustworthy URLs alone. Chromium sends a cookie without SameSite with a form of another site for two
// minutes after it was set.
t.test('by plain HTTP, where it tells the origin alone', { skip: !isHere, timeout: 120_000 }, async (t) => {
  const { context, open, outcomeOf, api } = await start(t, 'http')
  await open(API)
  await context.addCookies([{ name: 'token', value: await signHmac(), url: `${api}/` }])
  const own = await open(API)
  await post(own, `${api}/act/own`)
  t.equal(await outcomeOf('/act/own'), 200, 'the own page')
  await submitForm(await open(EVIL), `${api}/named/form`)
  t.equal(await outcomeOf('/named/form'), 200, 'the cookie comes along with a form of another site')
  await submitForm(await open(EVIL), `${api}/act/form`)
  t.equal(await outcomeOf('/act/form'), 'origin_forbidden', 'another site, by a form')
})
