// The embedded store of whole processes: what they say of a folder that cannot be used, is damaged, or stops taking bytes.
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { createRevocationWriter } from '../support/revocation-writer.ts'
import { signHmac } from '../support/tokens.ts'
import { startWithAdmin } from './gateway.ts'

const BIN = join(import.meta.dirname, '../../gateway/bin/tollgate.js')

function configText(folder: string, more = ''): string {
  return `
listen: { port: 0 }
admin: { port: 0 }
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes: [{ path: /, upstream: up, auth: none }]
revocation: { store: { level: ${JSON.stringify(folder)} } ${more} }
`
}

function runIt(file: string): Promise<{ readonly code: unknown; readonly said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, 'run', '-c', file], { timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? error?.signal ?? 0, said: `${stdout}${stderr}` })
    })
  })
}

t.test(
  'a folder that cannot be made or opened: one line that says why, and exit code 1, with one process and with several',
  async (t) => {
    const home = t.testdir({ file: 'text' })
    mkdirSync(join(home, 'locked'))
    chmodSync(join(home, 'locked'), 0o500)
    const cases: readonly [string, RegExp, string?][] = [
      ['/proc/no/such/folder', /^.*gateway\.yaml:6:31 error: \/proc\/no\/such\/folder cannot be made .*\n$/],
      [
        '/proc/no/such/folder',
        /^(.*\n)*.*gateway\.yaml:6:31 error: \/proc\/no\/such\/folder cannot be made .*\n$/,
        'workers',
      ],
      [join(home, 'file'), /gateway\.yaml:6:31 error: .*this is no folder/],
      [join(home, 'file', 'below'), /gateway\.yaml:6:31 error: .*lies in a file/],
      ['/dev/full', /gateway\.yaml:6:31 error: .*this is no folder/],
      [join(home, 'x'.repeat(300)), /gateway\.yaml:6:31 error: .*cannot be read \(ENAMETOOLONG\)/],
      ...(process.getuid?.() === 0 ? [] : [[join(home, 'locked', 'below'), /cannot be written/] as [string, RegExp]]),
    ]
    for (const [folder, why, workers] of cases) {
      const file = join(home, 'gateway.yaml')
      writeFileSync(file, (workers === undefined ? '' : 'workers: 2') + configText(folder))
      const { code, said } = await runIt(file)
      t.equal(code, 1, folder)
      t.match(said, why, folder)
      t.match(said, /revocation\.store\.level/, folder)
      t.notMatch(said, /\n {4}at |node:internal|unhandled/i, 'no stack')
    }
    chmodSync(join(home, 'locked'), 0o700)
  },
)

t.test(
  'a damaged folder is told in the log, in /readyz and in a metric, and what could be read of it is refused',
  async (t) => {
    const upstream = await startUpstream(t)
    const home = t.testdir()
    const folder = join(home, 'revoked')
    const options = { revocation: { store: { level: folder } } }
    const token = await signHmac({ jti: 'one' })
    const first = await startWithAdmin(t, upstream.url, options)
    await first.admin('POST', '/api/revocations', { token })
    await first.close()
    rmSync(join(folder, 'CURRENT'))

    const second = await startWithAdmin(t, upstream.url, options)
    t.equal(await second.call(token), '401 token_revoked')
    t.match(await (await fetch(`${second.adminUrl}/readyz`)).json(), {
      ready: true,
      degraded: [{ part: 'revocations', reason: /was damaged; 1 entries could be read/ }],
    })
    const metrics = await (await fetch(`${second.adminUrl}/metrics`)).text()
    t.match(metrics, /tollgate_revocation_store_trouble\{store="level",trouble="damaged"\} 1/)
    t.match(metrics, /tollgate_revocation_store_trouble\{store="level",trouble="evicting"\} 0/)
    t.ok(second.lines.some(({ level, trouble }) => level === 50 && trouble === 'damaged'))
    await second.close()

    for (const name of readdirSync(folder)) if (/MANIFEST|CURRENT/.test(name)) writeFileSync(join(folder, name), 'x')
    const file = join(home, 'gateway.yaml')
    writeFileSync(file, configText(folder, ', onStoreDown: refuse'))
    const { code, said } = await runIt(file)
    t.equal(code, 1)
    t.match(said, /damaged, and entries may be lost .*onStoreDown: serve/)
    t.notMatch(said, /\n {4}at /)
  },
)

t.test('files that may grow no further: what was acknowledged is there when the limit is gone', async (t) => {
  const folder = join(t.testdir(), 'revoked')
  // In KiB. The real thing: the kernel cuts a write short, then refuses the rest (EFBIG).
  const writer = createRevocationWriter(t, folder, { prefix: 'limited', fileLimitKiB: 24 })
  await eventually(() => writer.downs() > 0, 'the limit is hit')
  const before = writer.kept()
  writer.unlimit()
  await eventually(() => writer.kept() > before + 20, 'it goes on')
  const kept = await writer.kill()
  const after = createRevocationWriter(t, folder, { prefix: 'after' })
  await eventually(() => after.kept() >= 0, 'it goes on')
  t.ok(after.loaded() > kept, `${after.loaded()} of at least ${kept + 1} were loaded`)
  await after.kill()
  t.notMatch(readFileSync(join(folder, 'LOG'), 'utf8'), /dropping/)
})
