import t from 'tap'
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

import { start, temporaryDirectory, workersOf, type Started } from '../../support/gateway-process.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { signHmac, SECRET } from '../../support/tokens.ts'

const ADMIN_TOKEN = 'an-admin-token-of-more-than-32-characters'
const ROUNDS = 4

function configText(upstream: string, store: string): string {
  return `
listen: { port: 0 }
admin: { port: 0, token: "${ADMIN_TOKEN}" }
workers: 2
revocation: { store: ${store} }
issuers: [{ name: main, algorithms: [HS256], keys: { secret: { value: "${SECRET}" } } }]
upstreams: { up: { targets: ['${upstream}'] } }
routes:
  - { path: '/logout', action: revoke }
  - { path: '/*', upstream: up }
`
}

/** On a connection of its own: connections are given to the workers in turn. */
function ask(url: string, token: string, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false, method, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume()
      response.on('end', () => {
        resolve(response.statusCode ?? 0)
      })
    })
      .on('error', reject)
      .end()
  })
}

/** What so many requests in a row are answered: with two workers, both have been asked. */
async function answers(url: string, token: string): Promise<Set<number>> {
  const seen = new Set<number>()
  for (let round = 0; round < ROUNDS; round += 1) seen.add(await ask(url, token))
  return seen
}

async function untilAll(url: string, token: string, status: number): Promise<void> {
  for (;;) {
    const seen = await answers(url, token)
    if (seen.size === 1 && seen.has(status)) return
    await pause(20)
  }
}

function block({ adminUrl }: Started, token: string): Promise<Response> {
  return fetch(`${adminUrl}/api/revocations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
}

t.test(
  'a token that one worker logs out is refused by all of them, and stays so in one that is started again',
  async (t) => {
    const upstream = await startUpstream(t)
    const gateway = await start(t, configText(upstream.url, 'memory'))
    const [token, other] = [await signHmac({ jti: 'a' }), await signHmac({ jti: 'b' })]
    t.same(await answers(`${gateway.url}/x`, token), new Set([200]))
    t.equal(await ask(`${gateway.url}/logout`, token, 'POST'), 204)
    await untilAll(`${gateway.url}/x`, token, 401)

    t.equal((await block(gateway, other)).status, 201)
    await untilAll(`${gateway.url}/x`, other, 401)

    const [victim = 0] = workersOf(gateway)
    process.kill(victim, 'SIGKILL')
    while (workersOf(gateway).length < 2 || workersOf(gateway).includes(victim)) await pause(20)
    const metrics = async () => (await fetch(`${gateway.adminUrl}/metrics`)).text()
    while (!(await metrics()).includes('tollgate_workers 2\n')) await pause(20)
    t.same(await answers(`${gateway.url}/x`, token), new Set([401]))
    t.same(await answers(`${gateway.url}/x`, other), new Set([401]))
    t.match(await metrics(), /tollgate_revocations\{kind="token"\} 2\n/, 'counted once, not once for each worker')
  },
)

t.test('with LevelDB the primary has the folder, and what was blocked is blocked after a restart', async (t) => {
  const upstream = await startUpstream(t)
  const store = `{ level: "${temporaryDirectory(t)}/revoked" }`
  const token = await signHmac({ jti: 'a' })
  const first = await start(t, configText(upstream.url, store))
  t.equal(await ask(`${first.url}/logout`, token, 'POST'), 204)
  await untilAll(`${first.url}/x`, token, 401)
  const exit = new Promise((resolve) => first.child.once('exit', resolve))
  first.child.kill('SIGTERM')
  t.equal(await exit, 0)

  const second = await start(t, configText(upstream.url, store))
  t.same(await answers(`${second.url}/x`, token), new Set([401]))
})
