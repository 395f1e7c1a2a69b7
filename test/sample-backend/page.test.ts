// The page in a browser, clicked through.
import type { Page } from 'playwright-core'
import t from 'tap'
import type { Test } from 'tap'

import { requireComponent } from '../support/require-component.ts'
import { chromiumPath, launchBrowser } from './browser.ts'
import { startPair } from './page-behind-gateway.ts'

const isHere = requireComponent(t, 'Chromium', chromiumPath)

/** A page that fails the test on any script error or breach of its own policy. */
async function openPage(t: Test, url: string): Promise<Page> {
  const browser = await launchBrowser(t)
  const page = await browser.newPage({ locale: 'en-GB' })
  page.on('pageerror', (error) => t.fail(error.message))
  page.on('console', (message) => {
    // Chromium reports every 401 as an error; here they are wanted.
    if (message.type() === 'error' && !message.text().includes('status of 4')) t.fail(message.text())
  })
  await page.goto(url)
  return page
}

async function logIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByLabel('Password').press('Enter')
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const textOf = (page: Page, label: string) => page.getByLabel(label, { exact: true }).textContent()

async function summaryOf(page: Page, status: string): Promise<string | null> {
  const summary = page.getByRole('status').filter({ hasText: status })
  await summary.waitFor()
  return await summary.textContent()
}

t.test('a user logs in, sees the token taken apart, calls the API, and logs out', { skip: !isHere }, async (t) => {
  const { gatewayUrl } = await startPair(t)
  const page = await openPage(t, gatewayUrl)
  t.equal(await page.getByRole('alert').filter({ hasText: 'directly' }).isVisible(), false)
  t.equal(await page.getByRole('button', { name: 'List things' }).isDisabled(), true)

  await logIn(page, 'alice', 'wonderland')
  await page.getByText('Logged in as alice').waitFor()
  t.match(JSON.parse((await textOf(page, 'Header')) ?? ''), { alg: 'ES256', typ: 'at+jwt' })
  const payload = await textOf(page, 'Payload')
  t.match(payload, /"http:\/\/a\.com": "wonderland"/)
  t.match(payload, /"exp": \d+ \(.*\d\d:\d\d.*\)/, 'a time is spelled out')
  t.match(await textOf(page, 'Signature'), /^[\w-]{86}$/)
  t.match(await textOf(page, 'The encoded token'), /^[\w-]+\.[\w-]+\.[\w-]+$/)
  t.match(await page.locator('#life-text').textContent(), /expires in 1[45] min/)

  await press(page, 'List things')
  t.match(await summaryOf(page, '200'), /^200 OK/)
  t.match(await textOf(page, 'What the service was told'), /"subject": "alice"/)
  t.match(await textOf(page, 'What the service answered'), /"a toll booth"/)

  await page.getByLabel('Name of a new thing').fill('<b>a lantern</b>')
  await press(page, 'Create')
  t.match(await summaryOf(page, '201'), /^201 Created/)
  t.match(await textOf(page, 'What the service answered'), /"<b>a lantern<\/b>"/, 'what comes back is text, not HTML')

  await page.getByLabel('Text to send back').fill('grüße')
  await press(page, 'Echo')
  await page.getByLabel('What the service answered').filter({ hasText: 'grüße' }).waitFor()
  t.match(await textOf(page, 'What the service was told'), /"subject": "alice"/)

  const token = (await textOf(page, 'The encoded token')) ?? ''
  const loggedOut = page.waitForResponse((response) => response.url().endsWith('/logout'))
  await press(page, 'Log out')
  t.equal((await loggedOut).status(), 204)
  const again = await fetch(`${gatewayUrl}/api/things`, { headers: { authorization: `Bearer ${token}` } })
  t.equal(again.headers.get('x-tollgate'), 'token_revoked', 'a copy of the token is worth nothing any more')
  await page.getByLabel('User name').waitFor()
  t.equal(await page.getByRole('button', { name: 'Echo' }).isDisabled(), true)
  t.notMatch(await page.content(), /eyJ|"subject"/, 'nothing of the token is left')
})

t.test(
  'a refused call shows who refused it and why, and that the service was not reached',
  { skip: !isHere },
  async (t) => {
    const { gatewayUrl } = await startPair(t)
    const page = await openPage(t, gatewayUrl)

    await press(page, 'Without a token')
    t.match(await summaryOf(page, '401'), /Sent with no token/)
    t.match(await textOf(page, 'What the gateway answered'), /"code": "token_missing"/)

    await logIn(page, 'bob', 'builder')
    await page.getByText('Logged in as bob').waitFor()
    await press(page, 'With a tampered token')
    t.match(await summaryOf(page, 'mallory'), /^401 /)
    t.equal(await page.locator('#road-gateway').textContent(), 'signature_invalid')
    t.equal(await page.locator('#road-service').textContent(), 'was not reached')
    t.match(await textOf(page, 'What the gateway answered'), /"urn:tollgate:signature_invalid"/)
    t.equal(await page.getByText('What the service was told').count(), 0)
  },
)

t.test('the time until the token expires runs down, and its end is told', { skip: !isHere }, async (t) => {
  const { gatewayUrl } = await startPair(t)
  const page = await openPage(t, gatewayUrl)
  await page.clock.install()
  await logIn(page, 'alice', 'wonderland')
  await page.getByText(/expires in 1[45] min/).waitFor()
  const bar = page.getByRole('progressbar')
  t.equal(await bar.getAttribute('max'), '900')

  await page.clock.fastForward(10 * 60_000)
  await page.getByText(/expires in [45] min/).waitFor()
  await page.clock.fastForward(6 * 60_000)
  await page.getByText('The token has expired.').waitFor()
  t.equal(await bar.getAttribute('value'), '0')
})

/** Whether all of it is on the screen, without scrolling. */
async function isOnScreen(page: Page, selector: string): Promise<boolean> {
  const box = await page.locator(selector).boundingBox()
  const screen = page.viewportSize()
  if (box === null || screen === null) return false
  return box.y >= 0 && box.y + box.height <= screen.height && box.x + box.width <= screen.width
}

t.test('at 1280 x 800 the chain of renewals and the calls are on one screen', { skip: !isHere }, async (t) => {
  const { gatewayUrl } = await startPair(t, { tokenLifetimeMs: 61_000 })
  const page = await openPage(t, gatewayUrl)
  await page.setViewportSize({ width: 1280, height: 800 })
  await logIn(page, 'alice', 'wonderland')
  await page.getByText('Logged in as alice').waitFor()
  // The window of the sample config begins a second after the log-in.
  while ((await page.locator('#chain li').count()) < 2) {
    const answered = page.waitForResponse('**/api/things')
    await press(page, 'List things')
    await (await answered).finished()
  }
  t.match(await summaryOf(page, 'It was token'), /It was token 1; token 2 is in use now\./)
  t.match(await textOf(page, 'What the service was told, of the token before'), /"subject": "alice"/)
  t.equal(await page.locator('#chain li').count(), 2)
  if (process.env['SCREENSHOT'] !== undefined) await page.screenshot({ path: process.env['SCREENSHOT'] })
  for (const one of ['#chain', '#minted', '.actions', '#road', '#summary', '#logout'])
    t.equal(await isOnScreen(page, one), true, one)
})

t.test('beside the 401 of a token that has expired is a way to log in again', { skip: !isHere }, async (t) => {
  const { gatewayUrl } = await startPair(t)
  const page = await openPage(t, gatewayUrl)
  await page.route('**/api/things', (route) =>
    route.fulfill({
      status: 401,
      headers: { 'x-tollgate': 'token_expired', 'content-type': 'application/problem+json' },
      body: JSON.stringify({ title: 'The token has expired', status: 401 }),
    }),
  )
  await logIn(page, 'alice', 'wonderland')
  await page.getByText('Logged in as alice').waitFor()
  await press(page, 'Without a token')
  await summaryOf(page, '401')
  t.equal(await page.locator('#summary button').count(), 0, 'none where no token was sent')
  await press(page, 'List things')
  await page.locator('#summary').getByRole('button', { name: 'Log in again' }).click()
  t.equal(await page.getByLabel('User name').inputValue(), 'alice')
  await page.getByLabel('Password').fill('wonderland')
  await page.getByLabel('Password').press('Enter')
  await page.getByText('Logged in as alice').waitFor()
})

t.test('a wrong password shows a message and keeps the form', { skip: !isHere }, async (t) => {
  const { gatewayUrl } = await startPair(t)
  const page = await openPage(t, gatewayUrl)
  await logIn(page, 'alice', 'builder')
  await page.getByRole('alert').filter({ hasText: 'The user name or the password is wrong.' }).waitFor()
  t.equal(await page.getByLabel('User name').inputValue(), 'alice')
})

t.test('the token is gone after a reload, and in no storage before', { skip: !isHere }, async (t) => {
  const { gatewayUrl } = await startPair(t)
  const page = await openPage(t, gatewayUrl)
  await press(page, 'alice')
  await press(page, 'Log in')
  await page.getByText('Logged in as alice').waitFor()
  t.same(await page.evaluate('[localStorage.length, sessionStorage.length, document.cookie]'), [0, 0, ''])
  t.equal(await page.getByText('The token lived in memory only').isVisible(), false)
  await page.reload()
  t.equal(await page.getByLabel('User name').isVisible(), true)
  t.equal(await page.getByText('The token lived in memory only').isVisible(), true, 'and why is told')
  await page.reload()
  t.equal(await page.getByText('The token lived in memory only').isVisible(), false, 'once')
})

t.test('opened past the gateway, the page says so and shows the way', { skip: !isHere }, async (t) => {
  const { gatewayUrl, backendUrl } = await startPair(t)
  const page = await openPage(t, backendUrl)
  await page.getByRole('alert').filter({ hasText: 'You are talking to the service directly.' }).waitFor()
  await page.getByRole('link', { name: 'the page behind the gateway' }).click()
  await page.waitForURL(`${gatewayUrl}/`)
  t.equal(await page.getByRole('alert').filter({ hasText: 'directly' }).isVisible(), false)
})
