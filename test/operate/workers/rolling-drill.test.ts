// Reloads, half of them of bad files, and rolling restarts of two workers while clients of each kind are at work: nothing fails.
import t from 'tap'
import { setTimeout as pause } from 'node:timers/promises'

import { drillSize, tellFigure } from '../../support/drill-size.ts'
import { workersOf } from '../../support/gateway-process.ts'
import { ADMIN_TOKEN, answersOfAll, startReloadable } from '../../support/reloadable.ts'
import { runCli } from '../../support/run-cli.ts'
import { startSteadyUpstream, startTraffic } from '../../support/steady-traffic.ts'
import { signHmac } from '../../support/tokens.ts'
import { startWebSocketUpstream } from '../../support/websocket.ts'

const RELOADS = drillSize(4, 50)
const RESTARTS = drillSize(1, 5)
const REQUESTS = drillSize(500, 100_000)
const CLIENTS = drillSize(4, 16)
/** Longer than a body takes, on a machine that may have much else to do. */
const SHUTDOWN = `shutdown: { timeout: ${drillSize(3, 20)}s }`
const FIRST = `workers: 2\nlog: { access: off }\n${SHUTDOWN}`

t.test('nothing fails through reloads and rolling restarts, and what was revoked stays so', async (t) => {
  const [http, { url: ws }] = [await startSteadyUpstream(t), await startWebSocketUpstream(t)]
  const gateway = await startReloadable(t, { http, ws }, { first: FIRST })
  const { url, admin, write, file, adminUrl, metrics } = gateway
  const token = await signHmac()
  const revoked = await signHmac({ jti: 'revoked' })
  t.equal((await admin('POST', '/api/revocations', { token: revoked })).status, 201)
  const traffic = startTraffic(url, token, CLIENTS)
  const nothingFailed = (what: string) => t.same(traffic.failures(), [], what)

  for (let turn = 1; turn <= RELOADS; turn += 1) {
    const isBad = turn % 2 === 0
    write([`/turn/${turn}`], isBad ? `${FIRST}\nsurprise: 1` : FIRST)
    const { status } = await admin('POST', '/api/reload')
    if (status !== (isBad ? 422 : 200)) t.fail(`reload ${turn} was answered ${status}`)
    const answered = await answersOfAll(`${url}/turn/${turn}`, token)
    if (answered.join() !== (isBad ? '404' : '200')) t.fail(`turn ${turn}: ${answered.join()}`)
  }
  const [afterReloads] = [traffic.total(), nothingFailed(`${RELOADS} reloads`)]
  t.same(await answersOfAll(`${url}/same/x`, revoked), [401])

  write(['/restarted'], FIRST)
  for (let turn = 1; turn <= RESTARTS; turn += 1) {
    const before = workersOf(gateway)
    const told = await runCli('reload', '--restart', '-c', file, '--admin', adminUrl, '--admin-token', ADMIN_TOKEN)
    t.equal(told.code, 0, told.err)
    t.match(told.out, /the config was reloaded\nnew workers: 2/)
    const after = workersOf(gateway)
    t.equal(after.length, 2)
    t.notOk(
      after.some((pid) => before.includes(pid)),
      'all of them are new',
    )
    t.same(await answersOfAll(`${url}/same/x`, revoked), [401], 'by the new ones as well')
    nothingFailed(`restart ${turn}`)
    while (traffic.total() < afterReloads + (turn * REQUESTS) / RESTARTS) await pause(20)
  }
  t.same(await answersOfAll(`${url}/restarted`, token), [200])
  await traffic.stop()
  nothingFailed('to the end')
  t.match(await metrics(), /tollgate_worker_restarts_total 0\n/, 'none died')
  for (const kind of ['request', 'upload', 'download', 'events', 'websocket'])
    t.ok(traffic.counts.get(`${kind}: ok`), `${kind}: there were some`)
  const byKind = [...traffic.counts].map(([key, count]) => `${key} ${count}`).join(', ')
  tellFigure(
    `${RELOADS} reloads and ${RESTARTS} rolling restarts of 2 workers: ${traffic.failures().length} failed of ${traffic.total()} (${byKind})`,
  )
})
