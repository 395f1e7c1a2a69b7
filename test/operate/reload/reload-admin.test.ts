// A reload that changes who may ask the admin API and what is logged: both hold from the next request on.
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { FILE_ADMIN_TOKEN, HEAD, startFromFile } from '../../support/gateway-from-file.ts'

const GUARDED: readonly (readonly [method: string, path: string, status: number])[] = [
  ['GET', '/api/config', 200],
  ['GET', '/api/routes', 200],
  ['GET', '/api/upstreams', 200],
  ['GET', '/api/keys', 200],
  ['GET', '/api/revocations', 200],
  ['POST', '/api/explain', 400],
  ['POST', '/api/reload', 200],
  ['POST', '/api/diff', 200],
]

t.test('another admin token, none, and one again; another level of the log', async (t) => {
  const head = HEAD.replace(FILE_ADMIN_TOKEN, '${file:token}')
  const text =
    'upstreams: { up: { targets: [http://127.0.0.1:1] } }\nroutes: [{ path: /a, upstream: up, auth: none }]\n'
  const folder = t.testdir({ token: 'first-token' })
  const { admin, lines, reload } = await startFromFile(t, text, folder, head)
  const statuses = async (token: string) => {
    const all = []
    for (const [method, path] of GUARDED) all.push((await admin(method, path, undefined, token)).status)
    return all
  }
  const open = GUARDED.map(([, , status]) => status)
  const shut = GUARDED.map(() => 401)
  t.same(await statuses('first-token'), open)
  const put = (token: string) => {
    writeFileSync(join(folder, 'token'), token)
  }
  put('second-token')
  t.match(await reload(text), { ok: true, needsRestart: [] })
  t.same(await statuses('second-token'), open)
  t.same(await statuses('first-token'), shut)
  put('')
  await reload(text)
  t.same(
    await statuses('second-token'),
    GUARDED.map(() => 403),
    'nobody',
  )
  put('third-token')
  t.match(await reload(text), { ok: true, needsRestart: [] })
  t.same(await statuses('third-token'), open)
  t.notMatch(JSON.stringify(lines), /(first|second|third)-token/)
})

t.test('the level of the log', async (t) => {
  const text =
    'upstreams: { up: { targets: [http://127.0.0.1:1] } }\nroutes: [{ path: /a, upstream: up, auth: none }]\n'
  const head = HEAD.replace('log: { access: off }\n', '')
  const level = (name: string) => `${text}log: { access: off, level: ${name} }\n`
  const { lines, reload } = await startFromFile(t, level('info'), undefined, head)
  const told = async (name: string) => {
    const before = lines.length
    t.match(await reload(level(name)), { ok: true, needsRestart: [] })
    return lines.length - before
  }
  t.equal(await told('error'), 0, 'the reload itself is no error')
  t.equal(await told('error'), 0)
  t.equal(await told('info'), 1, 'and is told again')
})
