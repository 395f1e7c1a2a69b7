// Who asks for a reload while one is under way: all of them share the next one. And files that are none: nobody waits for them.
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { createReload } from '../../../gateway/src/operate/reload/reload.ts'
import { temporaryDirectory } from '../../support/gateway-process.ts'
import { SECRET } from '../../support/tokens.ts'

const text = (secret: string) =>
  [
    `issuers: [{ name: main, issuer: i, audiences: [api], algorithms: [HS256], keys: { secret: { value: "${secret}" } } }]`,
    'upstreams: { up: { targets: ["http://127.0.0.1:9"] } }',
    'routes: [{ path: /*, upstream: up }]',
  ].join('\n')

function startReload(t: Tap, content = text(SECRET)) {
  const file = join(temporaryDirectory(t), 'gateway.yaml')
  writeFileSync(file, content)
  const told: unknown[] = []
  const applied: (() => void)[] = []
  const log = (fields: object) => void told.push(fields)
  const reload = createReload({
    file,
    apply: () => new Promise((resolve) => applied.push(() => resolve([]))),
    onReloaded: () => undefined,
    manager: { reloading: () => undefined, ready: () => undefined },
    log: { info: log, warn: log, error: log } as never,
  })
  return { file, reload, told, applied }
}
type Tap = Parameters<typeof temporaryDirectory>[0]

const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('a thousand who ask while one reload is under way share the next one', async (t) => {
  const { reload, told, applied } = startReload(t)
  const first = reload('SIGHUP')
  await turn()
  t.equal(applied.length, 1)
  const asked = Array.from({ length: 1000 }, (_, index) => reload(index % 2 === 0 ? 'SIGHUP' : 'POST /api/reload'))
  await turn()
  t.equal(applied.length, 1, 'one after the other')
  applied[0]?.()
  t.match(await first, { ok: true })
  await turn()
  t.equal(applied.length, 2)
  const later = reload('watch')
  applied[1]?.()
  for (const reloaded of await Promise.all(asked)) t.ok(reloaded.ok)
  await turn()
  t.equal(applied.length, 3, 'who asks after it has begun gets another one')
  applied[2]?.()
  await later
  t.same(told, [{ why: 'SIGHUP' }, { why: 'SIGHUP, POST /api/reload' }, { why: 'watch' }])
})

t.test('what is no file is refused at once: a pipe that nobody writes to would stop the process', async (t) => {
  const { file, reload } = startReload(t)
  const pipe = join(temporaryDirectory(t), 'pipe')
  execFileSync('mkfifo', [pipe])
  const replacements: Readonly<Record<string, [make: () => void, told: RegExp]>> = {
    'a secret from a pipe': [
      () => {
        writeFileSync(file, text(`\${file:${pipe}}`))
      },
      /keys\.secret\.value: \$\{file:.*\}: this is a pipe or a device, and no file/,
    ],
    'a pipe': [() => void execFileSync('mkfifo', [file]), /this is a pipe or a device, and no file/],
    'a device without an end': [() => void execFileSync('ln', ['-s', '/dev/zero', file]), /this is a pipe or a device/],
    'a directory': [() => void mkdirSync(file), /this is a directory/],
    nothing: [() => undefined, /there is no such file/],
  }
  for (const [what, [make, told]] of Object.entries(replacements)) {
    rmSync(file, { recursive: true, force: true })
    make()
    const reloaded = await reload('test')
    t.match(reloaded.ok ? '' : reloaded.problems.join(), told, what)
  }
})
