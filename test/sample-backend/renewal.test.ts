// Renewal as the sample backend makes it, and as its page shows it.
import type { FastifyInstance } from 'fastify'
import { decodeJwt } from 'jose'
import t from 'tap'

import { requireComponent } from '../support/require-component.ts'
import { chromiumPath, launchBrowser } from './browser.ts'
import { startPair } from './page-behind-gateway.ts'
import { buildForTest } from './sample-server.ts'

const START_MS = 1_700_000_000_000

async function logIn(app: FastifyInstance): Promise<string> {
  const answer = await app.inject({
    method: 'POST',
    url: '/login',
    payload: { username: 'alice', password: 'wonderland' },
  })
  return answer.json<{ access_token: string }>().access_token
}

async function renew(app: FastifyInstance, token: string) {
  const answer = await app.inject({ method: 'POST', url: '/renew', headers: { authorization: `Bearer ${token}` } })
  return { status: answer.statusCode, token: answer.json<{ access_token: string }>().access_token }
}

t.test('a good token is answered with the next one of its session, the same however often it is asked', async (t) => {
  let nowMs = START_MS
  const app = await buildForTest(t, { clock: { now: () => nowMs } })
  const first = await logIn(app)
  nowMs += 800_000
  const { status, token: second } = await renew(app, first)
  t.equal(status, 200)
  t.equal((await renew(app, first)).token, second)
  nowMs += 800_000
  const { token: third } = await renew(app, second)
  const [a, b, c] = [first, second, third].map((token) => decodeJwt(token))
  t.match(b, { sub: 'alice', scope: a?.['scope'], auth_time: a?.['auth_time'], sid: b?.['renewed_from'] })
  t.match(c, { auth_time: a?.['auth_time'], sid: b?.['sid'], iat: START_MS / 1000 + 1600, exp: START_MS / 1000 + 2500 })
  t.equal(new Set([a?.jti, b?.jti, c?.jti]).size, 3)
  t.equal(new Set([b?.['renewed_from'], c?.['renewed_from']]).size, 2)
})

t.test('what is not a good token of this server is refused', async (t) => {
  let nowMs = START_MS
  const app = await buildForTest(t, { clock: { now: () => nowMs } })
  const other = await buildForTest(t, { clock: { now: () => nowMs } })
  const token = await logIn(app)
  for (const [title, bad] of [
    ['nothing', ''],
    ['no token', 'x.y.z'],
    ['another key', await logIn(other)],
    ['another payload', token.replace(/\.[^.]+\./, `.${Buffer.from('{"exp":9999999999}').toString('base64url')}.`)],
  ] as const)
    t.equal((await renew(app, bad)).status, 401, title)
  nowMs += 960_000
  t.equal((await renew(app, token)).status, 401, 'expired, tolerance included')
})

t.test('the page takes the next token from an answer, and shows what was minted', async (t) => {
  if (!requireComponent(t, 'Chromium', chromiumPath)) return
  // A second longer than the window of the sample config.
  const { gatewayUrl } = await startPair(t, { tokenLifetimeMs: 61_000 })
  const browser = await launchBrowser(t)
  const page = await browser.newPage({ locale: 'en-GB', viewport: { width: 1100, height: 1000 } })
  page.on('pageerror', (error) => t.fail(error.message))
  await page.goto(gatewayUrl)
  await page.getByRole('button', { name: 'alice' }).click()
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  const minted = page.getByRole('status', { name: 'Tokens minted' })
  await minted.filter({ hasText: '1 token minted: by logging in.' }).waitFor()
  const idOf = async () => /"jti": "([^"]+)"/.exec((await page.getByLabel('Payload').textContent()) ?? '')?.[1]

  const ids = [await idOf()]
  for (const count of [2, 3]) {
    const due = minted.filter({ hasText: `${count} tokens minted: one by logging in, ${count - 1} renewal` })
    while (!(await due.isVisible())) {
      await page.getByRole('button', { name: 'List things' }).click()
      await page.waitForTimeout(100)
    }
    ids.push(await idOf())
  }
  t.equal(new Set(ids).size, 3, 'each is another token')
  const chain = await page.getByRole('list', { name: 'Tokens of this session' }).getByRole('listitem').allTextContents()
  t.match(chain, [/^1logged in .*retired$/, /^2renewed .*retired$/, /^3renewed .*in use$/])
  t.match(await page.getByRole('status').filter({ hasText: '200' }).textContent(), /^200 OK/)
  if (process.env['SCREENSHOT'] !== undefined)
    await page.screenshot({ path: process.env['SCREENSHOT'], fullPage: true })
})
