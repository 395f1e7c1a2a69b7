// URLs of Redis: what is none is refused by check and at the start, not tried for ever.
import t from 'tap'

import { redisProblem } from '../../../../gateway/src/revoke/stores/redis/redis-connection.ts'
import { readRedisUrl } from '../../../../gateway/src/revoke/stores/redis/redis-url.ts'

t.test('what is no URL of a Redis is refused', async (t) => {
  const wrong = [
    'redis://127.0.0.1:65536',
    'redis://127.0.0.1:99999/0',
    'redis+sentinel://a:26379,b:99999/main',
    'redis+cluster://a:6379,b:70000',
    'redis://127.0.0.1:',
    'redis://a,b',
    'redis+sentinel://a:26379',
    'http://a:6379',
  ]
  for (const url of wrong) t.equal(readRedisUrl(url), undefined, url)
  t.match(readRedisUrl('redis://127.0.0.1:65535/3'), { hosts: [{ host: '127.0.0.1', port: 65_535 }], db: 3 })
})

t.test('why Redis cannot be reached is said in plain words', async (t) => {
  const cases: [code: string, words: string][] = [
    ['ECONNREFUSED', 'Redis refuses connections'],
    ['ENOTFOUND', 'the host name of Redis leads to no address (DNS)'],
    ['EAI_AGAIN', 'the host name of Redis leads to no address (DNS)'],
    ['ETIMEDOUT', 'Redis cannot be reached'],
  ]
  for (const [code, words] of cases)
    t.equal(redisProblem(Object.assign(new Error(`${code} secret.internal`), { code })), words, code)
})
