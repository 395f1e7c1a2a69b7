// A change of all workers' config in two steps: all of them switch or none, also when one dies, is slow, or comes meanwhile.
import t from 'tap'

import { FIRST_DELAY_MS } from '../../../gateway/src/operate/workers/cluster.ts'
import { COMMIT_MS, PREPARE_MS } from '../../../gateway/src/operate/workers/shared-config.ts'
import { settle } from '../../support/fake-clock.ts'
import { configWith, createFakeWorkers, type FakeWorker } from '../../support/fake-workers.ts'

const NEXT = configWith('/next')
const OK = { ok: true } as const

/** The last that each was told. */
const lastOf = (workers: readonly FakeWorker[]) =>
  workers.map(({ said }) => {
    const last = said.at(-1)
    return last?.type === 'ask' ? last.question : last?.type
  })

/** What a worker that starts begins with. */
async function begun(worker: FakeWorker | undefined) {
  worker?.say({ type: 'hello' })
  await settle()
  const last = worker?.said.at(-1)
  return last?.type === 'config' ? last.config : undefined
}

/** What became of it, once it has. */
function watched(change: Promise<void>) {
  const seen: { outcome: string | undefined; option?: unknown } = { outcome: undefined }
  void change.then(
    () => (seen.outcome = 'changed'),
    (error: Error & { option?: unknown }) => {
      seen.outcome = error.message
      seen.option = error.option
    },
  )
  return seen
}

t.test('all prepare, then all commit, and only then it is done', async (t) => {
  const { cluster, forked, start } = createFakeWorkers(2)
  await start()
  const seen = watched(cluster.change(NEXT))
  t.same(lastOf(forked), ['prepared', 'prepared'])
  t.match(forked[0]?.said.at(-1), { config: NEXT })
  forked[0]?.answer('prepared', OK)
  await settle()
  t.same(lastOf(forked), ['prepared', 'prepared'], 'one is not all')
  forked[1]?.answer('prepared', OK)
  await settle()
  t.same(lastOf(forked), ['committed', 'committed'])
  forked[0]?.answer('committed', true)
  await settle()
  t.equal(seen.outcome, undefined)
  forked[1]?.answer('committed', true)
  await settle()
  t.equal(seen.outcome, 'changed')
})

t.test('one that cannot prepare, ends or is silent: none switches, and the reason is told', async (t) => {
  const cases: readonly [string, (workers: ReturnType<typeof createFakeWorkers>) => unknown, string, unknown?][] = [
    [
      'refuses',
      ({ forked }) =>
        forked[1]?.answer('prepared', { ok: false, reason: 'key file k.pem cannot be read (ENOENT)', option: ['a'] }),
      'key file k.pem cannot be read (ENOENT)',
      ['a'],
    ],
    ['ends', ({ forked }) => forked[1]?.end('SIGKILL'), 'worker 2 ended while it prepared the config'],
    [
      'is silent',
      ({ clock }) => clock.advance(PREPARE_MS + NEXT.startTimeout),
      'worker 2 did not prepare the config in 20 s',
    ],
  ]
  for (const [name, happens, why, option] of cases) {
    const workers = createFakeWorkers(2)
    const { clock, cluster, config, forked, start } = workers
    await start()
    const seen = watched(cluster.change(NEXT))
    forked[0]?.answer('prepared', OK)
    await happens(workers)
    await settle()
    t.equal(seen.outcome, why, name)
    t.same(seen.option, option)
    t.equal(lastOf(forked)[0], 'abandon', 'what was prepared is given up')
    t.notOk(
      forked.some(({ said }) => said.some((message) => message.type === 'ask' && message.question === 'committed')),
    )
    forked[0]?.end('SIGKILL')
    await clock.advance(2 * FIRST_DELAY_MS)
    t.equal(await begun(forked.at(-1)), config, 'who comes later serves what the others do')
  }
})

t.test('one that dies between its preparing and the commit comes back with the new config', async (t) => {
  const { clock, cluster, forked, bringUp, start } = createFakeWorkers(2)
  await start()
  const seen = watched(cluster.change(NEXT))
  forked[0]?.answer('prepared', OK)
  await settle()
  forked[0]?.end('SIGKILL')
  await clock.advance(FIRST_DELAY_MS)
  const comes = forked[2]
  t.not(await begun(comes), NEXT, 'as nothing is decided yet')
  comes?.say({ type: 'ready' })
  await settle()
  t.same(lastOf(forked).slice(2), ['config'], 'it waits')
  forked[1]?.answer('prepared', OK)
  await settle()
  forked[1]?.answer('committed', true)
  await settle()
  t.equal(seen.outcome, 'changed', 'without it')
  t.match(comes?.said.at(-1), { question: 'prepared', config: NEXT }, 'before it may listen')
  comes?.answer('prepared', OK)
  await settle()
  comes?.answer('committed', true)
  await settle()
  t.same(lastOf(forked).slice(2), ['listen'])
  comes?.say({ type: 'listening', url: '' })
  t.equal(cluster.listening, 2)
  comes?.end('SIGKILL')
  await clock.advance(4 * FIRST_DELAY_MS)
  t.equal(await begun(forked[3]), NEXT)
  await bringUp(forked[3])
})

t.test(
  'one that waits when a change fails listens by the old config; one that may listen is asked as well',
  async (t) => {
    const { clock, cluster, forked, start } = createFakeWorkers(2)
    await start()
    forked[0]?.end('SIGKILL')
    await clock.advance(FIRST_DELAY_MS)
    const comes = forked[2]
    comes?.say({ type: 'hello' })
    const failing = watched(cluster.change(NEXT))
    comes?.say({ type: 'ready' })
    await settle()
    t.equal(lastOf(forked)[2], 'config')
    forked[1]?.answer('prepared', { ok: false, reason: 'no' })
    await settle()
    t.equal(failing.outcome, 'no')
    t.equal(lastOf(forked)[2], 'listen')
    const seen = watched(cluster.change(NEXT))
    t.same(lastOf(forked).slice(1), ['prepared', 'prepared'], 'though it has not said yet that it listens')
    for (const worker of forked.slice(1)) worker.answer('prepared', OK)
    await settle()
    for (const worker of forked.slice(1)) worker.answer('committed', true)
    await settle()
    t.equal(seen.outcome, 'changed')
  },
)

t.test('one that does not switch is ended, and comes back with what the others have', async (t) => {
  for (const say of ['nothing', 'no']) {
    const { clock, cluster, forked, start } = createFakeWorkers(2)
    await start()
    const seen = watched(cluster.change(NEXT))
    for (const worker of forked) worker.answer('prepared', OK)
    await settle()
    forked[0]?.answer('committed', true)
    if (say === 'no') forked[1]?.answer('committed', false)
    else await clock.advance(COMMIT_MS)
    await settle()
    t.equal(forked[1]?.killed, true, say)
    t.equal(seen.outcome, 'changed')
    await clock.advance(FIRST_DELAY_MS)
    t.equal(await begun(forked[2]), NEXT)
  }
})

t.test('a worker that starts and cannot take what the others have is ended and started anew', async (t) => {
  const { clock, cluster, forked, start } = createFakeWorkers(2)
  await start()
  forked[0]?.end('SIGKILL')
  await clock.advance(FIRST_DELAY_MS)
  forked[2]?.say({ type: 'hello' })
  const seen = watched(cluster.change(NEXT))
  forked[1]?.answer('prepared', OK)
  await settle()
  forked[1]?.answer('committed', true)
  await settle()
  t.equal(seen.outcome, 'changed')
  forked[2]?.say({ type: 'ready' })
  await settle()
  forked[2]?.answer('prepared', { ok: false, reason: 'no' })
  await settle()
  t.equal(forked[2]?.killed, true)
  await clock.advance(2 * FIRST_DELAY_MS)
  t.equal(await begun(forked[3]), NEXT)
})

t.test('with nobody there a change waits for nobody; a gateway that ends takes none', async (t) => {
  const { clock, cluster, forked, start } = createFakeWorkers(1)
  await start()
  forked[0]?.end('SIGKILL')
  await cluster.change(NEXT)
  await clock.advance(FIRST_DELAY_MS)
  t.equal(await begun(forked[1]), NEXT)
  void cluster.stop(1000)
  await t.rejects(cluster.change(NEXT), { message: 'the gateway is shutting down' })
})
