// The rules are those of Go's x/net/http/httpproxy and of curl (everything.curl.dev, "Proxy environment variables").
import t from 'tap'

import { environmentProxy } from '../../../gateway/src/operate/issuer-client/environment-proxy.ts'

const PROXY = 'http://proxy.example.com:3128'
const isProxied = (url: string, noProxy: string) =>
  environmentProxy(new URL(url), { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, NO_PROXY: noProxy }) !== undefined

t.test('each scheme has its variable, and the lower-case one comes first', async (t) => {
  const cases: readonly [string, Record<string, string>, string | undefined][] = [
    ['https://a.example', {}, undefined],
    ['https://a.example', { HTTPS_PROXY: PROXY }, PROXY],
    ['https://a.example', { https_proxy: PROXY }, PROXY],
    ['https://a.example', { https_proxy: PROXY, HTTPS_PROXY: 'http://other' }, PROXY],
    ['https://a.example', { HTTP_PROXY: PROXY }, undefined],
    ['http://a.example', { HTTP_PROXY: PROXY }, PROXY],
    ['http://a.example', { HTTPS_PROXY: PROXY }, undefined],
    ['https://a.example', { HTTPS_PROXY: '' }, undefined],
    ['https://a.example', { HTTPS_PROXY: ' ' }, undefined],
    ['https://a.example', { HTTPS_PROXY: 'proxy.example.com:3128' }, PROXY],
    ['https://a.example', { HTTPS_PROXY: 'https://user:pass@p' }, 'https://user:pass@p'],
  ]
  for (const [url, environment, expected] of cases)
    t.equal(environmentProxy(new URL(url), environment), expected, JSON.stringify([url, environment]))
})

t.test('loopback is reached without a proxy', async (t) => {
  for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.9.9.9', '[::1]', 'LOCALHOST.'])
    t.notOk(isProxied(`https://${host}/`, ''), host)
  for (const host of ['localhost.example.com', '128.0.0.1', '127.0.0.1.example.com', '[::2]'])
    t.ok(isProxied(`https://${host}/`, ''), host)
})

t.test('NO_PROXY names hosts, domains, addresses and networks', async (t) => {
  const cases: readonly [string, string, boolean][] = [
    ['https://a.example.com', '*', false],
    ['https://a.example.com', 'example.com', false],
    ['https://example.com', 'example.com', false],
    ['https://notexample.com', 'example.com', true],
    ['https://a.example.com', '.example.com', false],
    ['https://example.com', '.example.com', true],
    ['https://a.example.com', '*.example.com', false],
    ['https://A.Example.com.', 'EXAMPLE.COM', false],
    ['https://kubernetes.default.svc', 'localhost,.svc,.cluster.local', false],
    ['https://a.example.com', 'other.com, example.com', false],
    ['https://a.example.com', 'other.com example.com', false],
    ['https://a.example.com', 'example.com:443', false],
    ['https://a.example.com:8443', 'example.com:443', true],
    ['http://a.example.com', 'example.com:80', false],
    ['https://10.1.2.3', '10.0.0.0/8', false],
    ['https://11.1.2.3', '10.0.0.0/8', true],
    ['https://10.1.2.3', '10.1.2.3', false],
    ['https://10.1.2.3', '2.3', true],
    ['https://[fd00::1]', 'fd00::/8', false],
    ['https://[fd00::1]', 'fd00::1', false],
    ['https://[fd00::1]', '[fd00::1]:443', false],
    ['https://[fd00::1]:444', '[fd00::1]:443', true],
    ['https://a.example.com', '10.0.0.0/8,10.0.0.0/99,/,a/b,:,[,.', true],
    ['https://a.example.com', '', true],
  ]
  for (const [url, noProxy, proxied] of cases) t.equal(isProxied(url, noProxy), proxied, `${url} ${noProxy}`)
})
