// `tollgate bench`: what it counts is what was answered.
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { temporaryDirectory } from '../../support/gateway-process.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { runCli } from '../../support/run-cli.ts'

t.test('bench counts answers by status and code, and sends the tokens in turn', async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    const isKnown = request.headers.authorization === 'Bearer one'
    response.writeHead(isKnown ? 200 : 401, isKnown ? {} : { 'x-tollgate': 'token_malformed' }).end('x')
  })
  const file = join(temporaryDirectory(t), 'tokens')
  writeFileSync(file, 'one\n\ntwo\n')
  const { code, out, err } = await runCli(
    ...['bench', `${upstream.url}/things?q=1`, '--tokens', file, '--connections', '2', '--duration', '200ms', '--json'],
  )
  t.match({ code, err }, { code: 0, err: '' })
  const report = JSON.parse(out) as {
    requests: number
    answers: Record<string, number>
    failed: number
    latencyMs: { p50: number; max: number }
  }
  t.equal(report.requests, upstream.requests.length)
  t.equal(report.failed, 0)
  t.same(Object.keys(report.answers).sort(), ['200', '401 token_malformed'])
  const of = (token: string) =>
    upstream.requests.filter(({ headers }) => headers.authorization === `Bearer ${token}`).length
  t.same([report.answers['200'], report.answers['401 token_malformed']], [of('one'), of('two')])
  t.ok(Math.abs(of('one') - of('two')) <= 1, 'in turn')
  t.ok(report.latencyMs.p50 > 0 && report.latencyMs.p50 <= report.latencyMs.max)
  t.ok(upstream.requests.every(({ url }) => url === '/things?q=1'))
  const told = await runCli('bench', upstream.url, '--token', 'one', '--duration', '50ms', '--connections', '1')
  t.match(told, { code: 0, out: /^\d+ requests in [\d.]+ s, \d+ a second\n {2}200: \d+\nlatency: p50 / })
})

t.test('bench says what is wrong with a call, and ends where nobody answers', async (t) => {
  for (const argv of [
    ['nowhere'],
    ['http://127.0.0.1:1', '--duration', 'long'],
    ['http://127.0.0.1:1', '--connections', '0'],
  ])
    t.match(await runCli('bench', ...argv), { code: 2 }, argv.join(' '))
  t.match(await runCli('bench', 'http://127.0.0.1:1', '--duration', '1d'), { code: 1, err: /no response at all/ })
  t.match(await runCli('bench', 'http://127.0.0.1:1', '--tokens', '/none'), { code: 1, err: /cannot be read/ })
})
