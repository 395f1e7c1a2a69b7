// The files of the page as they are served.
import t from 'tap'

import { buildForTest } from './sample-server.ts'

t.test('every file of the page comes with its type and the strict policy', async (t) => {
  const app = await buildForTest(t)
  const files = [
    ['/', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/page.css', 'text/css; charset=utf-8', ':root'],
    ['/page.js', 'text/javascript; charset=utf-8', 'noticeDirectVisit()'],
    ['/favicon.svg', 'image/svg+xml', '<svg'],
  ] as const
  for (const [path, type, content] of files) {
    const answer = await app.inject(path)
    t.equal(answer.statusCode, 200, path)
    t.equal(answer.headers['content-type'], type)
    t.ok(answer.body.includes(content))
    t.match(answer.headers, {
      'content-security-policy': /^default-src 'none'; script-src 'self';/,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    t.notMatch(answer.headers['content-security-policy'], /unsafe|\*|http/)
  }
})

t.test('nothing in the page needs an exception from the policy', async (t) => {
  const { body } = await (await buildForTest(t)).inject('/')
  t.notMatch(body, /<style|style=|<script(?![^>]* src="\/page\.js")|\son[a-z]+=|https?:/)
})

t.test('the page learns where the gateway is', async (t) => {
  const app = await buildForTest(t, { gatewayUrl: 'http://127.0.0.1:9999' })
  const answer = await app.inject('/page-config.json')
  t.same(answer.json(), { gatewayUrl: 'http://127.0.0.1:9999' })
  t.equal(answer.headers['cache-control'], 'no-store')
})
