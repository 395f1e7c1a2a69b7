import t from 'tap'

import { tokenCacheBound } from '../../gateway/src/gateway/bound-token-cache.ts'
import { createLog } from '../../gateway/src/observe/log.ts'
import { oldSpaceBytes } from '../../gateway/src/gateway/heap-limit.ts'
import { buildServer } from '../../gateway/src/gateway/gateway.ts'
import { testConfig } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

const MEBIBYTE = 2 ** 20

/** A gateway that was given so many tokens of 7 KB: the bytes that it counts for those it kept, and what it said. */
async function fill(maxBytes: string, heapBytes: number, count: number) {
  const lines: Record<string, unknown>[] = []
  const log = createLog({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line) as never) })
  const config = testConfig({
    tokens: { cache: { maxBytes, maxTokens: 10_000_000 } },
    issuers: [hmacIssuer()],
    upstreams: { up: { targets: ['http://127.0.0.1:1'] } },
    routes: [{ path: '/*', upstream: 'up' }],
  })
  const fetchJson = () => Promise.reject(new Error('nothing is fetched'))
  const { authenticator, issuers, close } = buildServer(config, { log, version: 'test', fetchJson, heapBytes })
  for (let index = 0; index < count; index += 1)
    authenticator.authenticate(await signHmac({ sub: String(index), padding: 'x'.repeat(4500) }), issuers)
  const { ready: kept, readyBytes: bytes } = authenticator.cache
  // What is remembered goes with the last generation.
  await close()
  return { kept, bytes, lines }
}

t.test(
  'a cache larger than the heap can bear is cut, and this is told once, with the way to get all of it',
  async (t) => {
    const { kept, bytes, lines } = await fill('4GiB', 8 * MEBIBYTE, 100)
    t.ok(bytes <= MEBIBYTE, `${bytes} bytes`)
    t.ok(kept > 40 && kept < 80, `${kept} tokens`)
    t.equal(lines.length, 1)
    t.match(lines[0], {
      level: 40,
      configured: '4096MiB',
      used: '1MiB',
      heap: '8MiB',
      message: /^tokens\.cache\.maxBytes is more than .*; NODE_OPTIONS=--max-old-space-size=8192 gives it all$/,
    })
  },
)

t.test('a cache that the heap can bear is as large as its config says, in silence', async (t) => {
  const { kept, lines } = await fill('2MiB', 16 * MEBIBYTE, 60)
  t.equal(kept, 60)
  t.same(lines, [])
})

t.test('a cache gets half of a heap, and less of a small one, where all else needs its room', async (t) => {
  const inMebibytes = (heap: number) => tokenCacheBound(heap * MEBIBYTE) / MEBIBYTE
  t.equal(inMebibytes(4096), 2048)
  t.equal(inMebibytes(256), 128, 'the default fits into the heap of a container with 512 MiB')
  t.equal(inMebibytes(128), 32)
  t.equal(inMebibytes(64), 8)
})

t.test('what may last in the heap is the limit without the young generation, whatever way it was set', async (t) => {
  const inMebibytes = (limit: number, flags: string) => oldSpaceBytes(limit * MEBIBYTE, flags) / MEBIBYTE
  t.equal(inMebibytes(4144, ''), 4144, 'V8 chose: the young generation is small beside it')
  t.equal(inMebibytes(176, '--max-old-space-size=128'), 128, 'Node 20 and 22')
  t.equal(inMebibytes(320, '--trace-warnings --max_old_space_size=128'), 128, 'Node 24')
  t.equal(inMebibytes(4288, '--max-semi-space-size=64'), 4096)
  t.equal(inMebibytes(1216, '--max-semi-space-size 64 --max-old-space-size 1024'), 1024)
  t.equal(inMebibytes(560, '--max-old-space-size=256 --max-old-space-size=512'), 512, 'the last one counts')
})
