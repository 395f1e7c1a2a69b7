// Attack: a config that changes all day. Amplifier: each generation holds connections, timers and caches. Defence: what none uses is let go.
import t from 'tap'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { drillSize, tellFigure } from '../../support/drill-size.ts'
import { startFromFile } from '../../support/gateway-from-file.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { ISSUER, SECRET, signHmac } from '../../support/tokens.ts'
import { waitFor } from '../../support/wait-for.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Heap in MiB after collections, with turns between them for what is closed late. */
async function heapMiB(): Promise<number> {
  for (let round = 0; round < 5; round += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  return process.memoryUsage().heapUsed / 2 ** 20
}

function resources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) if (name !== 'Immediate') counts[name] = (counts[name] ?? 0) + 1
  return counts
}

t.test('after many reloads, bad ones among them, heap and sockets are what they were', async (t) => {
  const upstream = await startUpstream(t)
  const text = (turn: number) => `limits: { tokenBytes: ${8000 + (turn % 7)}B }
issuers:
  - { name: same, issuer: "https://same.example.com", audiences: [api], algorithms: [HS256], keys: { secret: { value: "${SECRET}" } } }
  - { name: main, issuer: "${ISSUER}", audiences: [api], maxLifetime: ${1 + (turn % 5)}h, algorithms: [HS256], keys: { secret: { value: "${SECRET}" } } }
upstreams: { up: { targets: ["${upstream.url}"], connections: ${10 + (turn % 3)}, health: { path: /, interval: 1h } } }
routes: [{ path: /turn/${turn}, upstream: up }, { path: /*, upstream: up }]
${turn % 4 === 3 ? 'surprise: 1' : ''}
`
  const { url, reload, gateway } = await startFromFile(t, text(0))
  const token = await signHmac()
  async function changeTimes(first: number, count: number): Promise<void> {
    for (let turn = first; turn < first + count; turn += 1) {
      const { ok } = await reload(text(turn))
      if (ok !== (turn % 4 !== 3)) t.fail(`turn ${turn}`)
      const response = await fetch(`${url}/x`, { headers: { authorization: `Bearer ${token}` } })
      await response.arrayBuffer()
      if (response.status !== 200) t.fail(`turn ${turn}: ${response.status}`)
    }
    await reload(text(0))
    await waitFor(() => gateway.generations === 1)
  }
  await changeTimes(1, drillSize(8, 20))
  const [before, then] = [await heapMiB(), resources()]
  const count = drillSize(10, 200)
  await changeTimes(1, count)
  const [after, now] = [await heapMiB(), resources()]
  tellFigure(`${count} reloads: heap ${before.toFixed(1)} MiB, then ${after.toFixed(1)}; ${JSON.stringify(now)}`)
  t.ok(after < before * 1.1, `heap ${before} MiB, then ${after}`)
  t.ok((now['TCPSocketWrap'] ?? 0) <= (then['TCPSocketWrap'] ?? 0) + 2)
  t.ok(upstream.open() <= 3, `${upstream.open()} connections to the upstream`)
})
