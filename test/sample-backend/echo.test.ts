// The echo gives back what it got.
import { randomBytes } from 'node:crypto'

import t from 'tap'

import { sendRaw } from './raw-http.ts'
import { aliceResult, buildForTest, encodeAuthResult, listen } from './sample-server.ts'

const body = Buffer.concat([Buffer.from('{"half": '), randomBytes(64), Buffer.from('\r\n\0')])

t.test('a body comes back byte for byte with its content type, whatever that is', async (t) => {
  const url = await listen(await buildForTest(t))
  const contentTypes = [
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'image/svg+xml',
    'application/vnd.things+json;version=2',
    'text/plain; charset="utf-16"; odd=\'quotes\'',
    'json',
    'text/',
    '/plain',
    'a/b/c',
    ';;;',
    'text/plain;',
    'no/such type',
    'text/\xe4',
  ]
  for (const contentType of contentTypes) {
    const head = ['POST /echo HTTP/1.1', 'Host: x', 'Connection: close', `Content-Length: ${body.length}`]
    const answer = await sendRaw(url, [...head, `Content-Type: ${contentType}`], body)
    t.equal(answer.status, 200, contentType)
    t.ok(answer.headerLines.includes(`content-type: ${contentType}`), answer.headerLines.join(' | '))
    t.ok(answer.body.equals(body))
  }
})

t.test('a body without a content type, or with an empty one, comes back without one', async (t) => {
  const url = await listen(await buildForTest(t))
  for (const extra of [[], ['Content-Type:']]) {
    const head = ['POST /echo HTTP/1.1', 'Host: x', 'Connection: close', `Content-Length: ${body.length}`, ...extra]
    const answer = await sendRaw(url, head, body)
    t.equal(answer.status, 200)
    t.notMatch(answer.headerLines.join('\n'), /^content-type: ./m)
    t.ok(answer.body.equals(body))
  }
})

t.test('every method may have a body, and GET too', async (t) => {
  const url = await listen(await buildForTest(t))
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const head = [`${method} /echo HTTP/1.1`, 'Host: x', 'Connection: close', `Content-Length: ${body.length}`]
    const answer = await sendRaw(url, head, body)
    t.equal(answer.status, 200, method)
    t.ok(answer.body.equals(body), method)
  }
})

t.test('a body in chunks comes back whole', async (t) => {
  const url = await listen(await buildForTest(t))
  const head = ['PUT /echo HTTP/1.1', 'Host: x', 'Connection: close', 'Transfer-Encoding: chunked']
  const answer = await sendRaw(url, head, '5\r\nHello\r\n7\r\n, gate!\r\n0\r\n\r\n')
  t.equal(answer.body.toString(), 'Hello, gate!')
})

t.test('no body comes back as none', async (t) => {
  const url = await listen(await buildForTest(t))
  for (const method of ['GET', 'HEAD', 'DELETE', 'POST']) {
    const answer = await sendRaw(url, [`${method} /echo HTTP/1.1`, 'Host: x', 'Connection: close'])
    t.equal(answer.status, 200, method)
    t.equal(answer.body.length, 0, method)
  }
})

t.test('a mebibyte of noise comes back unchanged', async (t) => {
  const url = await listen(await buildForTest(t))
  const noise = randomBytes(1024 * 1024)
  const answer = await fetch(`${url}/echo`, { method: 'POST', body: noise, headers: { 'content-type': 'x/noise' } })
  t.equal(answer.headers.get('content-length'), String(noise.length))
  t.ok(Buffer.from(await answer.arrayBuffer()).equals(noise))
})

t.test('more than ten mebibytes are refused', async (t) => {
  const url = await listen(await buildForTest(t))
  for (const bytes of [10 * 1024 * 1024 + 1, 15 * 1024 * 1024]) {
    const head = ['POST /echo HTTP/1.1', 'Host: x', 'Connection: close', `Content-Length: ${bytes}`]
    const answer = await sendRaw(url, head, Buffer.alloc(bytes))
    t.equal(answer.status, 413)
    t.match(JSON.parse(answer.body.toString()), { code: 'body_too_large' })
  }
})

t.test('the caller is shown in a header, in ASCII', async (t) => {
  const app = await buildForTest(t)
  const header = encodeAuthResult({ ...aliceResult, subject: 'Ålice 🗝' })
  const answer = await app.inject({ method: 'POST', url: '/echo', headers: { 'x-auth-result': header }, payload: 'x' })
  t.match(answer.headers['x-caller'], /^[\x20-\x7e]+$/)
  t.match(JSON.parse(String(answer.headers['x-caller'])), { authenticated: true, subject: 'Ålice 🗝' })
})

t.test('a body that is a web page does not run as one', async (t) => {
  const app = await buildForTest(t)
  const page = { method: 'POST', url: '/echo', headers: { 'content-type': 'text/html' }, payload: '<script>' } as const
  const { headers } = await app.inject(page)
  t.match(headers['content-security-policy'], /sandbox/)
  t.equal(headers['x-content-type-options'], 'nosniff')
})
