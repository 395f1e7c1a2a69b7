// New processes in place of all workers: each listens before the one that it replaces drains, and one that does not stops it all.
import t from 'tap'

import { FIRST_DELAY_MS } from '../../../gateway/src/operate/workers/cluster.ts'
import { LEAVE_MS, READY_MS, type Rolled } from '../../../gateway/src/operate/workers/roll.ts'
import { settle } from '../../support/fake-clock.ts'
import { configWith, createFakeWorkers, type FakeWorker } from '../../support/fake-workers.ts'

const NEXT = configWith('/next')

function watched(rolling: Promise<Rolled>) {
  const seen: { rolled: Rolled | undefined } = { rolled: undefined }
  void rolling.then((rolled) => (seen.rolled = rolled))
  return seen
}

/** What each was told last. */
const lastOf = (workers: readonly FakeWorker[]) => workers.map(({ said }) => said.at(-1)?.type)
const configOf = (worker: FakeWorker | undefined) => worker?.said.find((message) => message.type === 'config')?.config

t.test(
  'one after the other: the new one listens before the old one leaves, and the next waits for its end',
  async (t) => {
    const { cluster, forked, bringUp, start } = createFakeWorkers(2)
    await start()
    const seen = watched(cluster.roll(NEXT, 2))
    t.equal(forked.length, 3)
    forked[2]?.say({ type: 'hello' })
    forked[2]?.say({ type: 'ready' })
    await settle()
    t.same(lastOf(forked), ['listen', 'listen', 'listen'])
    t.equal(cluster.listening, 2, 'the old ones')
    forked[2]?.say({ type: 'listening', url: '' })
    await settle()
    t.same(lastOf(forked), ['leave', 'listen', 'listen'])
    t.equal(cluster.listening, 2)
    t.equal(forked.length, 3, 'the next one waits')
    forked[0]?.end('exit code 0')
    await settle()
    t.equal(forked.length, 4)
    await bringUp(forked[3])
    t.same(lastOf(forked), ['leave', 'leave', 'listen', 'listen'])
    t.equal(seen.rolled, undefined)
    forked[1]?.end('exit code 0')
    await settle()
    t.same(seen.rolled, { restarted: 2 })
    t.equal(configOf(forked[2]), NEXT)
    t.equal(cluster.restarts, 0, 'none of them died')
    t.equal(forked.length, 4)
  },
)

t.test('a new one that fails, dies or does not come to listen stops it; the others go on', async (t) => {
  const cases: readonly [string, (workers: ReturnType<typeof createFakeWorkers>) => unknown, string][] = [
    [
      'fails',
      ({ forked }) => {
        forked[2]?.say({ type: 'failed', reason: 'a module is missing' })
        forked[2]?.end('exit code 1')
      },
      'a module is missing',
    ],
    ['dies', ({ forked }) => forked[2]?.end('SIGSEGV'), 'a worker ended with SIGSEGV'],
    ['is silent', ({ clock }) => clock.advance(READY_MS + NEXT.startTimeout), 'a worker ended with SIGKILL'],
  ]
  for (const [name, happens, why] of cases) {
    const workers = createFakeWorkers(2)
    const { clock, cluster, config, forked, start } = workers
    await start()
    const seen = watched(cluster.roll(NEXT, 2))
    forked[2]?.say({ type: 'hello' })
    await happens(workers)
    await settle()
    t.same(seen.rolled, { restarted: 0, stopped: `worker 1 could not be replaced: ${why}` }, name)
    t.same(lastOf(forked).slice(0, 2), ['listen', 'listen'])
    t.equal(cluster.listening, 2)
    t.equal(forked.length, 3, 'and nothing is started again')
    forked[0]?.end('SIGKILL')
    await clock.advance(FIRST_DELAY_MS)
    forked[3]?.say({ type: 'hello' })
    t.equal(configOf(forked[3]), config, 'who comes later begins with what serves')
  }
})

t.test('the second that fails leaves the first replaced', async (t) => {
  const { cluster, forked, bringUp, start } = createFakeWorkers(2)
  await start()
  const seen = watched(cluster.roll(NEXT, 2))
  await bringUp(forked[2])
  forked[0]?.end('exit code 0')
  await settle()
  forked[3]?.end('exit code 1')
  await settle()
  t.match(seen.rolled, { restarted: 1, stopped: /^worker 2 could not be replaced/ })
  t.equal(cluster.listening, 2)
})

t.test('one that does not leave in time is killed', async (t) => {
  const { clock, cluster, forked, bringUp, start } = createFakeWorkers(1)
  await start()
  const seen = watched(cluster.roll(NEXT, 1))
  await bringUp(forked[1])
  await clock.advance(LEAVE_MS + NEXT.shutdown.timeout - 1)
  t.equal(forked[0]?.killed, false)
  await clock.advance(1)
  t.equal(forked[0]?.killed, true)
  t.same(seen.rolled, { restarted: 1 })
})

t.test(
  'an old one that dies while its place is filled anew: nobody is left out and nobody is twice there',
  async (t) => {
    const { clock, cluster, forked, bringUp, start } = createFakeWorkers(1)
    await start()
    const seen = watched(cluster.roll(NEXT, 1))
    forked[1]?.say({ type: 'hello' })
    forked[0]?.end('SIGKILL')
    await clock.advance(FIRST_DELAY_MS)
    t.equal(forked.length, 3, 'started again, as usual')
    await bringUp(forked[1])
    t.equal(lastOf(forked)[2], 'leave', 'it is too many')
    forked[2]?.end('exit code 0')
    await settle()
    t.same(seen.rolled, { restarted: 1 })
    await clock.advance(10 * FIRST_DELAY_MS)
    t.equal(forked.length, 3)
    t.equal(cluster.listening, 1)
  },
)

t.test('their number may become another one', async (t) => {
  const { cluster, forked, bringUp, start } = createFakeWorkers(1)
  await start()
  const more = watched(cluster.roll(NEXT, 2))
  await bringUp(forked[1])
  forked[0]?.end('exit code 0')
  await settle()
  await bringUp(forked[2])
  t.same(more.rolled, { restarted: 2 })
  t.equal(cluster.count, 2)
  const fewer = watched(cluster.roll(NEXT, 1))
  await bringUp(forked[3])
  forked[1]?.end('exit code 0')
  await settle()
  t.equal(lastOf(forked)[2], 'leave')
  forked[2]?.end('exit code 0')
  await settle()
  t.same(fewer.rolled, { restarted: 1 })
  t.equal(cluster.count, 1)
  t.equal(cluster.listening, 1)
  t.equal(cluster.restarts, 0)
})

t.test('a shutdown meanwhile ends all of them, and starts no further one', async (t) => {
  const { cluster, forked, bringUp, start } = createFakeWorkers(2)
  await start()
  const seen = watched(cluster.roll(NEXT, 2))
  await bringUp(forked[2])
  let stopped = false
  void cluster.stop(1000).then(() => (stopped = true))
  t.same(lastOf(forked), ['stop', 'stop', 'stop'])
  for (const worker of forked) worker.end('exit code 0')
  await settle()
  t.equal(stopped, true)
  t.equal(forked.length, 3)
  t.match(seen.rolled, { restarted: 1, stopped: /shutting down/ })
})
