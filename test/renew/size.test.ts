// A token is never renewed into one that the gateway itself would refuse for its size.
import t from 'tap'

import { createFakeClock } from '../support/fake-clock.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { counted, firstToken, renewingIssuer, send, startMachines, writePrivateKey } from '../support/renewal.ts'

const CLAIMS = { groups: 'g'.repeat(600) }

for (const { title, limits, fits } of [
  {
    title: 'limits.tokenBytes',
    limits: (bytes: number) => ({ limits: { tokenBytes: `${bytes + 30}B` } }),
    fits: false,
  },
  {
    title: 'limits.tokenBytes',
    limits: (bytes: number) => ({ limits: { tokenBytes: `${bytes + 500}B` } }),
    fits: true,
  },
  // The claims of a successor are longer, so what the upstream gets of them is, too.
  { title: 'authResult.maxBytes', limits: () => ({ authResult: { maxBytes: '1300B' } }), fits: false },
  { title: 'authResult.maxBytes', limits: () => ({ authResult: { maxBytes: '1800B' } }), fits: true },
]) {
  t.test(`a token whose successor ${fits ? 'keeps to' : 'would exceed'} ${title}`, async (t) => {
    const clock = createFakeClock()
    const upstream = await startUpstream(t)
    const token = await firstToken(clock, CLAIMS)
    const [gateway] = await startMachines(
      t,
      1,
      {
        issuers: [renewingIssuer(writePrivateKey(t))],
        upstreams: { up: { targets: [upstream.url] } },
        routes: [{ path: '/*', upstream: 'up' }],
        ...limits(token.length),
      },
      { clock, schedule: clock.schedule },
    )
    if (gateway === undefined) throw new Error('no gateway')
    await clock.advance(250_000)
    const first = await send(gateway, token)
    t.equal(first.status, 200)
    if (fits) {
      t.match((await send(gateway, first.renewed ?? '')).status, 200)
      return
    }
    t.equal(first.renewed, null)
    t.match(await send(gateway, token), { status: 200, renewed: null }, 'it goes on until its own end')
    t.equal(await counted(gateway, 'tollgate_renewal_failures_total'), 1, 'tried once, and counted')
  })
}
