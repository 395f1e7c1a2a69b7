// What the log writes: named fields, and all that is worth knowing of an error.
import t from 'tap'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { systemClock, type Clock } from '../../gateway/src/clock.ts'
import { createLog, type LogFields } from '../../gateway/src/observe/log.ts'
import { start, temporaryDirectory } from '../support/gateway-process.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { startTestGateway } from '../support/test-gateway.ts'
import { hmacIssuer, signHmac } from '../support/tokens.ts'

function written(fields: object): Record<string, unknown> {
  const lines: string[] = []
  const log = createLog({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  log.info(fields as LogFields, 'said')
  return JSON.parse(lines.join('')) as Record<string, unknown>
}

t.test('a field that is not named is not written, whoever hands it over', async (t) => {
  const line = written({ requestId: 'a', authorization: 'Bearer secret', headers: { cookie: 'secret' } })
  t.match(line, { requestId: 'a', message: 'said' })
  t.notMatch(JSON.stringify(line), /secret|authorization|headers/)
  // @ts-expect-error: the compiler refuses it before the log does.
  const refused: LogFields = { authorization: 'Bearer secret' }
  t.ok(refused)
})

t.test('of an error its type, message, stack, code and causes are written', async (t) => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const { error } = written({ error: new TypeError('boom', { cause }) })
  t.match(error, {
    type: 'TypeError',
    message: 'boom',
    stack: /TypeError: boom\n +at /,
    cause: { type: 'Error', message: 'refused', code: 'ECONNREFUSED' },
  })
})

t.test('what a library hangs on its error is not written', async (t) => {
  const error = Object.assign(new Error('failed'), { request: { headers: { authorization: 'Bearer secret' } } })
  t.notMatch(JSON.stringify(written({ error })), /secret|Bearer/)
})

t.test('an error that is its own cause, and what is thrown though it is no error, are told', async (t) => {
  const error = new Error('round')
  error.cause = error
  t.match(written({ error })['error'], { message: 'round', cause: { message: 'round' } })
  t.equal(written({ error: 'just text' })['error'], 'just text')
  t.equal(written({ error: { token: 'secret' } })['error'], 'object')
})

t.test('the reason of a 500 is in the log, under the request id that the client saw', async (t) => {
  const upstream = await startUpstream(t)
  let isBroken = false
  const clock: Clock = {
    now() {
      if (isBroken) throw new RangeError('nobody thought of this')
      return systemClock.now()
    },
    monotonic: () => systemClock.monotonic(),
  }
  const { url, lines } = await startTestGateway(
    t,
    {
      issuers: [hmacIssuer()],
      upstreams: { up: { targets: [upstream.url] } },
      routes: [{ path: '/*', upstream: 'up' }],
    },
    { clock },
  )
  const headers = { authorization: `Bearer ${await signHmac()}` }
  isBroken = true
  const answer = await fetch(url, { headers })
  isBroken = false
  t.equal(answer.status, 500)
  t.match(
    lines.find(({ message }) => message === 'internal error'),
    {
      requestId: answer.headers.get('x-request-id'),
      error: { type: 'RangeError', message: 'nobody thought of this', stack: /RangeError/ },
    },
  )
})

t.test('the reason of a crash is the last thing that is written', async (t) => {
  const breaks = join(temporaryDirectory(t), 'breaks.mjs')
  writeFileSync(breaks, "process.on('SIGWINCH', () => { throw new TypeError('boom') })")
  const { child, output } = await start(
    t,
    'listen: { port: 0 }\nadmin: { port: 0 }\nupstreams: { up: { targets: ["http://127.0.0.1:1"] } }\nroutes: [{ path: /*, upstream: up, auth: none }]\n',
    { NODE_OPTIONS: `--import=${breaks}` },
  )
  child.kill('SIGWINCH')
  const [code] = (await once(child, 'exit')) as [number]
  t.equal(code, 1)
  const crash = output()
    .split('\n')
    .find((line) => line.includes('the gateway failed'))
  t.match(JSON.parse(crash ?? '{}'), { level: 60, error: { type: 'TypeError', message: 'boom', stack: /TypeError/ } })
})
