// Under which domains and paths cookies are taken away: those that a browser can have had what it sent under.
import t from 'tap'
import type { IncomingMessage } from 'node:http'

import { createCookieClearing, type CookieSlot } from '../../../gateway/src/authenticate/locations/cookie-clearing.ts'

function clear(
  { url = '/', cookie = 't=x', ...headers }: Record<string, string>,
  { delivered = [], kept, proxy = false }: { delivered?: CookieSlot[]; kept?: CookieSlot; proxy?: boolean } = {},
): readonly string[] {
  const clearCookies = createCookieClearing({ cookies: ['t', '__Host-t'], delivered, isTrusted: () => proxy })
  const request = { headers: { cookie, ...headers }, url, socket: { remoteAddress: '10.0.0.1' } }
  return clearCookies(request as unknown as IncomingMessage, kept)
}

const slotsOf = (lines: readonly string[]) => lines.map((line) => line.replace('t=; ', '').replace('; Max-Age=0', ''))

t.test('each domain that the host is in (RFC 6265 section 5.1.3)', async (t) => {
  const cases: Record<string, readonly string[]> = {
    'api.shop.test': ['api.shop.test', 'shop.test'],
    'API.Shop.Test:8443': ['api.shop.test', 'shop.test'],
    'api.shop.test.': ['api.shop.test', 'shop.test'],
    localhost: [],
    '127.0.0.1:80': [],
    '[::1]:80': [],
    'a b.test': [],
    'a;b.test': [],
    'a.b.c.d.e.f.g.test': ['d.e.f.g.test', 'e.f.g.test', 'f.g.test', 'g.test', 'c.d.e.f.g.test'],
  }
  for (const [host, domains] of Object.entries(cases)) {
    const wanted = ['Path=/', ...domains.map((domain) => `Path=/; Domain=${domain}`)]
    t.same(slotsOf(clear({ host })).toSorted(), wanted.toSorted(), host)
  }
})

t.test('each path that the target goes on from (RFC 6265 section 5.1.4)', async (t) => {
  const cases: Record<string, readonly string[]> = {
    '/': ['/'],
    '/logout?a=/b/c': ['/', '/logout'],
    '/a/b': ['/', '/a', '/a/', '/a/b'],
    '/a/b/': ['/', '/a', '/a/', '/a/b', '/a/b/'],
    '/a/b;Domain=evil.test/c': ['/'],
    '/1/2/3/4/5/6/7/8': ['/', '/1', '/1/', '/1/2', '/1/2/', '/1/2/3', '/1/2/3/', '/1/2/3/4', '/1/2/3/4/'],
  }
  for (const [url, paths] of Object.entries(cases))
    t.same(
      slotsOf(clear({ url })),
      paths.map((path) => `Path=${path}`),
      url,
    )
})

t.test('what the browser calls it, and nothing that it did not send', async (t) => {
  t.same(clear({ cookie: 'a=1; tt=2' }), [])
  t.same(clear({ cookie: '' }), [])
  t.same(clear({ cookie: 'a=1; %74=2' }), ['%74=; Path=/; Max-Age=0'], 'another spelling')
  t.same(clear({ cookie: '__Host-t=2', url: '/a', host: 'api.shop.test' }), ['__Host-t=; Path=/; Max-Age=0; Secure'])
})

t.test('by pages of other sites, where browsers take SameSite=None alone', async (t) => {
  t.same(clear({ 'sec-fetch-site': 'cross-site' }), ['t=; Path=/; Max-Age=0; SameSite=None; Secure'])
  t.same(clear({ 'sec-fetch-site': 'same-site' }), ['t=; Path=/; Max-Age=0'])
})

t.test('by the host that a trusted proxy was asked for', async (t) => {
  const headers = { host: 'inner', 'x-forwarded-host': 'shop.test' }
  t.same(slotsOf(clear(headers)), ['Path=/'])
  t.same(slotsOf(clear(headers, { proxy: true })), ['Path=/', 'Path=/; Domain=shop.test'])
})

t.test('what is set goes away where it was not sent, and stays when it is being set', async (t) => {
  const slot: CookieSlot = { name: 't', domain: 'shop.test', path: '/app' }
  const asked = { host: 'shop.test', url: '/logout' }
  t.ok(clear(asked, { delivered: [slot] }).includes('t=; Path=/app; Domain=shop.test; Max-Age=0'))
  t.same(clear({ ...asked, cookie: '' }, { delivered: [slot] }), [])
  const kept: CookieSlot = { name: 't', domain: undefined, path: '/' }
  t.same(slotsOf(clear({ host: 'shop.test' }, { kept, delivered: [kept] })), ['Path=/; Domain=shop.test'])
})

t.test('never more than a proxy in front takes (nginx: heads of 4 KB)', async (t) => {
  const lines = clear({ host: 'a.b.c.d.e.f.g.test', url: '/1/2/3/4/5/6/7/8', cookie: 't=1; %74=2; __Host-t=3; t[]=4' })
  t.equal(lines.length, 20)
})
