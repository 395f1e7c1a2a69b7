// Two workers whose config changes: both switch or none, and one that dies comes back with what the other has, whatever the file says.
import t from 'tap'

import { eventually } from '../../support/eventually.ts'
import { workersOf } from '../../support/gateway-process.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { answersOfAll, startReloadable, type Line, type Reloadable } from '../../support/reloadable.ts'
import type { Teardown } from '../../support/test-gateway.ts'
import { signHmac } from '../../support/tokens.ts'

const WORKERS = 'workers: 2'
/** A process is started, on a machine that may have much else to do. */
const PATIENCE_MS = 60_000

async function startTwo(t: Teardown, first = WORKERS) {
  const upstream = await startUpstream(t)
  const gateway = await startReloadable(t, { http: upstream.url, ws: upstream.url }, { first })
  return { ...gateway, token: await signHmac() }
}

async function killOne(gateway: Reloadable): Promise<void> {
  const [victim = 0] = workersOf(gateway)
  const restarts = async () => Number(/tollgate_worker_restarts_total (\d+)/.exec(await gateway.metrics())?.[1])
  const before = await restarts()
  process.kill(victim, 'SIGKILL')
  await eventually(async () => (await restarts()) > before, 'its end is noticed', PATIENCE_MS, 50)
  await eventually(
    async () => (await gateway.metrics()).includes('tollgate_workers 2\n'),
    'another one is there',
    PATIENCE_MS,
    50,
  )
}

t.test('a good file reaches every worker, a bad one none; a killed worker serves what the other does', async (t) => {
  const gateway = await startTwo(t)
  const { child, url, admin, write, lines, metrics, token } = gateway
  let asked = 0
  const told = () => lines().filter(({ message = '' }) => message.startsWith('the config was'))
  const asks = {
    async api() {
      asked += 1
      return (await admin('POST', '/api/reload')).status
    },
    async signal() {
      asked += 1
      child.kill('SIGHUP')
      await eventually(() => told().length === asked, 'the log says what became of it', PATIENCE_MS, 50)
      return told().at(-1)?.message === 'the config was reloaded' ? 200 : 422
    },
  }
  const revoked = await signHmac({ jti: 'revoked' })
  t.equal((await admin('POST', '/api/revocations', { token: revoked })).status, 201)
  for (const by of ['api', 'signal'] as const) {
    write([`/good-${by}`], WORKERS)
    t.equal(await asks[by](), 200)
    t.same(await answersOfAll(`${url}/good-${by}`, token), [200])
    t.match(await metrics(), 'tollgate_config_last_reload_successful 1\n')

    write([`/bad-${by}`], `${WORKERS}\nsurprise: 1`)
    t.equal(await asks[by](), 422)
    t.same(await answersOfAll(`${url}/good-${by}`, token), [200])
    t.match(await metrics(), 'tollgate_config_last_reload_successful 0\n', 'and not twice 1 of 2')

    if (by === 'signal') await killOne(gateway)
    t.same(await answersOfAll(`${url}/good-${by}`, token), [200], 'though the file is bad')
    t.same(await answersOfAll(`${url}/bad-${by}`, token), [404])
    t.match(await metrics(), 'tollgate_config_last_reload_successful 0\n')
    t.same(await answersOfAll(`${url}/good-${by}`, revoked), [401], 'revoked is revoked')
  }
  write(['/stored'], `${WORKERS}\nrevocation: { store: { level: ./list } }`)
  t.equal(await asks.api(), 200, 'the store is the primary’s')
  t.match(await (await admin('GET', '/api/revocations')).json(), { total: 1, store: { kind: 'level', up: true } })
  t.same(await answersOfAll(`${url}/stored`, revoked), [401])
  write(['/other'], `${WORKERS}\nrevocation: { store: { redis: "redis://127.0.0.1:1" } }`)
  t.equal(await asks.api(), 422)
  t.same(await answersOfAll(`${url}/stored`, token), [200])
  t.same(await answersOfAll(`${url}/stored`, revoked), [401])
  write(['/good-signal'], WORKERS)
  t.equal(await asks.api(), 200)
  const problems = lines().flatMap(({ problems = [] }) => problems)
  t.equal(problems.length, 3)
  for (const problem of problems) t.match(problem, /gateway\.yaml:\d+:\d+ error: .*(surprise|Redis refuses)/)
  const { config } = (await (await admin('GET', '/api/config')).json()) as { config: object }
  t.match(JSON.stringify(config), '/good-signal', 'the admin API tells what runs')
})

t.test(
  'what needs a restart stays for a worker that comes later; several reloads at once come one after the other',
  async (t) => {
    const gateway = await startTwo(t)
    const { url, admin, write, token } = gateway
    write(['/new'], 'workers: 3\nlimits: { headerBytes: 8KiB }')
    const answers = await Promise.all([1, 2, 3].map(() => admin('POST', '/api/reload')))
    t.same(
      answers.map(({ status }) => status),
      [200, 200, 200],
    )
    const { needsRestart = [] } = (await answers[0]?.json()) as Line
    t.match(needsRestart, [/^workers: /, /^limits\.headerBytes: /])
    await killOne(gateway)
    t.equal(workersOf(gateway).length, 2)
    t.same(await answersOfAll(`${url}/new`, token), [200])
  },
)

t.test('watch: true has both workers read a file that changed', async (t) => {
  const first = `${WORKERS}\nwatch: true`
  const { url, write, token } = await startTwo(t, first)
  write(['/new'], first)
  await eventually(
    async () => (await answersOfAll(`${url}/new`, token)).join() === '200',
    'both have it',
    PATIENCE_MS,
    50,
  )
})
