// Whose X-Forwarded-For is believed.
import t from 'tap'

import { createTrustedProxy } from '../../sample-backend/src/trusted-proxy.ts'

t.test('only a trusted neighbour is believed, and only about its own neighbour', (t) => {
  const isTrusted = createTrustedProxy(['127.0.0.0/8', '::1', '10.1.2.3'])
  const cases: ReadonlyArray<readonly [string, number, boolean]> = [
    ['127.0.0.1', 0, true],
    ['127.1.2.3', 0, true],
    ['::1', 0, true],
    ['::ffff:127.0.0.1', 0, true],
    ['10.1.2.3', 0, true],
    ['10.1.2.4', 0, false],
    ['203.0.113.9', 0, false],
    ['2001:db8::1', 0, false],
    ['127.0.0.1', 1, false],
  ]
  for (const [address, hop, expected] of cases) t.equal(isTrusted(address, hop), expected, `${address} at hop ${hop}`)
  t.end()
})

t.test('what is not a network is refused', (t) => {
  for (const network of ['', 'loopback', '127.0.0.1/33', '127.0.0.1/-1', '127.0.0.1/x', '::1/129', '300.0.0.1']) {
    const message = `SAMPLE_TRUSTED_PROXIES: "${network}" is not an IP address or network`
    t.throws(() => createTrustedProxy([network]), { name: 'StartupError', message })
  }
  t.end()
})
