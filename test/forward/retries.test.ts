// A second try: only where nobody can have seen the first, only where a second does no harm, and never so many that they do.
import t from 'tap'

import { createFakeUpstream, targets } from '../support/fake-upstream.ts'
import type { OutgoingBody } from '../../gateway/src/forward/transport/transport.ts'

const body = (begun: boolean): OutgoingBody => ({
  whole: undefined,
  begun,
  trailers: () => [],
  open() {
    throw new Error('not opened in this test')
  },
})

t.test('a connection that is refused, reset or not made in time is tried once more, on another target', async (t) => {
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT']) {
    const { calls, send, upstream } = createFakeUpstream({ targets: targets(2) })
    const caller = send()
    const [first] = calls
    first?.fail(code)
    t.same(caller.events, [], code)
    t.not(calls[0]?.target, first?.target, code)
    calls[0]?.answer()
    t.same(caller.events, ['200', 'end'], code)
    t.equal(upstream.retries, 1)
  }
  const single = createFakeUpstream({ targets: targets(1) })
  const caller = single.send()
  single.calls[0]?.fail('ECONNRESET')
  single.calls[0]?.answer()
  t.same(caller.events, ['200', 'end'], 'or on the only one')
})

t.test('nothing else is tried again', async (t) => {
  const cases: Record<string, (parts: ReturnType<typeof createFakeUpstream>) => unknown> = {
    'a status, whatever it is': ({ calls, send }) => [send(), calls[0]?.answer(503)],
    'a timeout: the upstream may be at it still': ({ calls, send }) => [
      send(),
      calls[0]?.fail('UND_ERR_HEADERS_TIMEOUT'),
    ],
    garbage: ({ calls, send }) => [send(), calls[0]?.fail('HPE_INVALID_CONSTANT')],
    'a certificate that is wrong': ({ calls, send }) => [send(), calls[0]?.fail('ERR_TLS_CERT_ALTNAME_INVALID')],
    'a method that is not idempotent': ({ calls, send }) => [send({ method: 'POST' }), calls[0]?.fail('ECONNREFUSED')],
    PATCH: ({ calls, send }) => [send({ method: 'PATCH' }), calls[0]?.fail('ECONNRESET')],
    'a body of which some was read': ({ calls, send }) => [
      send({ method: 'PUT', body: body(true) }),
      calls[0]?.fail('ECONNRESET'),
    ],
    'a client that left': ({ calls, send }) => {
      send().ended = true
      calls[0]?.fail('ECONNRESET')
    },
    'half an answer': ({ calls, send }) => {
      send()
      calls[0]?.receiver.onHead(200, 'OK', [], () => undefined)
      calls[0]?.fail('ECONNRESET')
    },
  }
  for (const [title, run] of Object.entries(cases)) {
    const fake = createFakeUpstream({ targets: targets(2), retries: 5 })
    run(fake)
    t.equal(fake.calls.length, 0, title)
    t.equal(fake.upstream.retries, 0, title)
    t.same(
      fake.upstream.status().map(({ inFlight }) => inFlight),
      [0, 0],
      title,
    )
  }
})

t.test('a body that nobody has read of may go to another target', async (t) => {
  const { calls, send } = createFakeUpstream({ targets: targets(2) })
  send({ method: 'PUT', body: body(false) })
  calls[0]?.fail('ECONNREFUSED')
  t.equal(calls.length, 1)
})

t.test('as often as configured, and not at all with 0', async (t) => {
  for (const retries of [0, 1, 3]) {
    const { calls, send } = createFakeUpstream({ targets: targets(2), retries, ejection: { failures: 0 } })
    const caller = send()
    let tries = 0
    for (; calls.length > 0; tries += 1) calls[0]?.fail('ECONNREFUSED')
    t.equal(tries, retries + 1)
    t.same(caller.events, ['ECONNREFUSED'])
  }
})

t.test('an upstream that is down gets at most a fifth more requests by them', async (t) => {
  const { calls, send, upstream } = createFakeUpstream({ targets: targets(2), ejection: { failures: 0 } })
  for (let count = 0; count < 1000; count += 1) {
    send()
    while (calls.length > 0) calls[0]?.fail('ECONNREFUSED')
  }
  t.ok(upstream.retries >= 200 && upstream.retries <= 210, `${upstream.retries} of 1000`)
})
