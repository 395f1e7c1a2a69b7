import t from 'tap'

import { FIRST_DELAY_MS, MOST_DELAY_MS, STABLE_MS } from '../../../gateway/src/operate/workers/cluster.ts'
import { ANSWER_MS, EXPLAIN_MS } from '../../../gateway/src/operate/workers/questions.ts'
import { settle } from '../../support/fake-clock.ts'
import { createFakeWorkers } from '../../support/fake-workers.ts'

t.test('each worker gets the config of the primary, and the start is over when all of them listen', async (t) => {
  const { cluster, config, forked } = createFakeWorkers(2)
  let url: string | undefined
  void cluster.start().then((value) => (url = value))
  t.equal(forked.length, 2)
  for (const worker of forked) worker.say({ type: 'hello' })
  t.match(
    forked.map(({ said }) => said[0]),
    [
      { type: 'config', config, worker: 1 },
      { type: 'config', config, worker: 2 },
    ],
  )
  for (const worker of forked) worker.say({ type: 'ready' })
  await settle()
  t.match(
    forked.map(({ said }) => said.at(-1)),
    [{ type: 'listen' }, { type: 'listen' }],
  )
  forked[0]?.say({ type: 'listening', url: 'http://127.0.0.1:8080' })
  await settle()
  t.equal(url, undefined, 'one is not all')
  forked[1]?.say({ type: 'listening', url: 'http://127.0.0.1:8080' })
  await settle()
  t.equal(url, 'http://127.0.0.1:8080')
  t.equal(cluster.listening, 2)
})

t.test('a worker that cannot start the first time ends the start, with its reason', async (t) => {
  const withReason = createFakeWorkers(2)
  const failed = withReason.cluster.start()
  withReason.forked[1]?.say({ type: 'failed', reason: 'port 80 needs more rights', option: ['listen', 'port'] })
  withReason.forked[1]?.end('exit code 1')
  await t.rejects(failed, { message: 'port 80 needs more rights', option: ['listen', 'port'] })
  await withReason.clock.advance(MOST_DELAY_MS)
  t.equal(withReason.forked.length, 2, 'and nothing is started again')

  const without = createFakeWorkers(1)
  const ended = without.cluster.start()
  without.forked[0]?.end('SIGSEGV')
  await t.rejects(ended, { message: 'a worker ended with SIGSEGV' })
})

t.test(
  'a worker that dies is started again: soon, then ever later while it keeps dying, soon again after a good while',
  async (t) => {
    const { clock, cluster, forked, start } = createFakeWorkers(2)
    await start()
    let delayMs = FIRST_DELAY_MS
    for (let death = 1; death <= 12; death += 1) {
      forked.at(-1)?.end('SIGKILL')
      await clock.advance(delayMs - 1)
      t.equal(forked.length, death + 1, `not before ${delayMs} ms`)
      await clock.advance(1)
      t.equal(forked.length, death + 2)
      delayMs = Math.min(2 * delayMs, MOST_DELAY_MS)
    }
    t.equal(delayMs, MOST_DELAY_MS)
    t.equal(cluster.restarts, 12)
    forked.at(-1)?.say({ type: 'listening', url: '' })
    await clock.advance(STABLE_MS)
    forked.at(-1)?.end('SIGKILL')
    await clock.advance(FIRST_DELAY_MS)
    t.equal(forked.length, 15)
    clock.jump(STABLE_MS)
    forked.at(-1)?.end('SIGKILL')
    await clock.advance(FIRST_DELAY_MS)
    t.equal(forked.length, 15, 'a clock that was set is no good while')
    await clock.advance(FIRST_DELAY_MS)
    t.equal(forked.length, 16)
    await clock.advance(STABLE_MS)
    clock.jump(-STABLE_MS)
    forked.at(-1)?.end('SIGKILL')
    await clock.advance(FIRST_DELAY_MS)
    t.equal(forked.length, 17, 'nor does it take one away')
  },
)

t.test(
  'every worker is asked; one that is gone or silent is left out, and the others are not waited for longer',
  async (t) => {
    const READY = { notReady: [], degraded: [], ok: [] }
    const { clock, cluster, forked, start } = createFakeWorkers(3)
    await start()
    const answers = cluster.ask('readiness')
    const ask = forked[0]?.said.at(-1)
    t.match(ask, { type: 'ask', question: 'readiness' })
    if (ask?.type === 'ask') forked[0]?.say({ type: 'answer', id: ask.id, answer: READY })
    forked[2]?.end('SIGKILL')
    await clock.advance(ANSWER_MS)
    t.same(await answers, [READY, undefined, undefined])
  },
)

t.test('one worker explains a request, the next where one is silent or gone', async (t) => {
  const { clock, cluster, forked, start } = createFakeWorkers(3)
  await start()
  const about = { request: { method: 'GET', target: '/', headers: {} }, atMs: undefined }
  const explained = cluster.explain(about)
  t.match(forked[0]?.said.at(-1), { type: 'ask', question: 'explained', about })
  t.notMatch(forked[2]?.said.at(-1), { type: 'ask' }, 'not all of them')
  forked[1]?.end('SIGKILL')
  await clock.advance(EXPLAIN_MS)
  await settle()
  const ask = forked[2]?.said.at(-1)
  t.match(ask, { type: 'ask', question: 'explained', about })
  if (ask?.type === 'ask') forked[2]?.say({ type: 'answer', id: ask.id, answer: { json: '{}' } })
  t.same(await explained, { json: '{}' })
  for (const { end } of forked) end('SIGKILL')
  t.equal(await cluster.explain(about), undefined, 'nobody is there')
})

t.test('stopping tells each worker, waits for all, kills who does not end, and starts nobody again', async (t) => {
  const { clock, cluster, forked, start } = createFakeWorkers(2)
  await start()
  let stopped = false
  const stopping = cluster.stop(1000).then(() => (stopped = true))
  t.match(
    forked.map(({ said }) => said.at(-1)),
    [{ type: 'stop' }, { type: 'stop' }],
  )
  forked[0]?.end('exit code 0')
  await clock.advance(999)
  t.equal(stopped, false)
  await clock.advance(1)
  await stopping
  t.same(
    forked.map(({ killed }) => killed),
    [false, true],
  )
  await clock.advance(MOST_DELAY_MS)
  t.equal(forked.length, 2)
})
