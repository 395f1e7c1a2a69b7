// What `npm start` waits for and what it prints.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

import t from 'tap'
import type { Test } from 'tap'

import { answers, waitUntilAnswering } from '../../sample-backend/src/start/readiness.ts'
import { welcome } from '../../sample-backend/src/start/welcome.ts'
import { createEndlessPause, createInstantPause } from './pauses.ts'

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const signal = new AbortController().signal
const nobody = 'http://127.0.0.1:1/'

t.test('a server answers when it says so, and one that is not ready yet is at least there', async (t) => {
  const good = await serve(t, (_request, response) => response.end('ok'))
  const notReady = await serve(t, (_request, response) => response.writeHead(503).end())
  t.equal(await answers(good), true)
  t.equal(await answers(notReady), false)
  t.equal(await answers(notReady, { any: true }), true)
  t.equal(await answers(nobody, { any: true }), false)
})

t.test('it asks again until all have answered', async (t) => {
  let asked = 0
  const good = await serve(t, (_request, response) => response.end())
  const late = await serve(t, (_request, response) => response.writeHead(++asked < 3 ? 503 : 200).end())
  const { pause, pausesMs } = createInstantPause()
  await waitUntilAnswering([good, late], { withinMs: 30_000, pause, signal })
  t.equal(asked, 3)
  t.equal(pausesMs.length, 2)
})

t.test('it gives up after its time and names who has not answered', async (t) => {
  const good = await serve(t, (_request, response) => response.end())
  const { pause } = createInstantPause()
  const message = `no good answer from ${nobody} within 1 s`
  await t.rejects(waitUntilAnswering([good, nobody], { withinMs: 1000, pause, signal }), { message })
})

t.test('it gives up at once when nobody waits any more', async (t) => {
  const { pause, began } = createEndlessPause()
  const controller = new AbortController()
  const waiting = waitUntilAnswering([nobody], { withinMs: 30_000, pause, signal: controller.signal })
  await began
  controller.abort()
  await t.rejects(waiting, { name: 'AbortError' })
})

t.test('the welcome says where everything is and how to log in and call', (t) => {
  const places = {
    gatewayUrl: 'http://127.0.0.1:8080',
    adminUrl: 'http://127.0.0.1:9901',
    backendUrl: 'http://127.0.0.1:3001',
    logFiles: ['data/gateway.log'],
  }
  const text = welcome({ ...places, adminToken: 'made-now' })
  t.ok(text.includes('\n  export TOLLGATE_ADMIN_TOKEN=made-now\n  npx tollgate revoke "$TOKEN"\n'))
  t.notMatch(
    welcome({ ...places, adminToken: undefined }),
    /ADMIN_TOKEN|undefined/,
    'a token of the environment is not shown',
  )
  const login = `TOKEN=$(curl -s http://127.0.0.1:8080/login -d username=alice -d password=wonderland | sed -E 's/.*"access_token":"([^"]+)".*/\\1/')`
  t.ok(text.includes(`\n  ${login}\n`))
  t.ok(text.includes('\n  curl -s http://127.0.0.1:8080/api/things -H "Authorization: Bearer $TOKEN"\n'))
  for (const place of ['http://127.0.0.1:8080/ ', 'http://127.0.0.1:9901/metrics', 'data/gateway.log']) {
    t.ok(text.includes(place), place)
  }
  t.end()
})
