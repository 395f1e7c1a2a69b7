// Which addresses keys and tokens may go over.
import t from 'tap'

import { isConfidential } from '../../gateway/src/message/confidential-url.ts'

t.test('https anywhere, http on this machine, other http only where it is allowed', async (t) => {
  for (const [url, without, withAllowHttp] of [
    ['https://login.example.com/', true, true],
    ['http://login.example.com/', false, true],
    ['http://localhost:3001/', true, true],
    ['http://LOCALHOST/', true, true],
    ['http://127.0.0.1/', true, true],
    ['http://127.1/', true, true],
    ['http://0x7f.0.0.1/', true, true],
    ['http://[::1]:80/', true, true],
    ['http://127.0.0.1.example.com/', false, true],
    ['http://localhost.example.com/', false, true],
    ['http://localhost@example.com/', false, true],
    ['http://10.0.0.1/', false, true],
    ['http://0.0.0.0/', false, true],
    ['http://[::ffff:127.0.0.1]/', false, true],
    ['ftp://localhost/', false, false],
    ['ws://127.0.0.1/', false, false],
    ['file:///etc/passwd', false, false],
  ] as const) {
    t.equal(isConfidential(new URL(url), false), without, url)
    t.equal(isConfidential(new URL(url), true), withAllowHttp, `${url} with allowHttp`)
  }
})
