// Files that a config is read from and names, watched: Kubernetes' swaps, editors, half-written and vanished files.
import t, { type Test } from 'tap'
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { loadConfig } from '../../../gateway/src/config/load.ts'
import { createWatchedFiles } from '../../../gateway/src/operate/reload/watched-files.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { requireComponent } from '../../support/require-component.ts'

const LOOK_MS = 1000

/** A config that is read again with each change, as a reload does; `took` counts the readings. */
async function startWatching(t: Test, folder: string, text: string) {
  const clock = createFakeClock()
  const files = createWatchedFiles(clock.schedule)
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, text)
  let [readings, isGood] = [0, false]
  function read(): Promise<void> {
    files.begin()
    const loaded = loadConfig(file, { env: {}, readFile: files.readFile })
    isGood = loaded.ok
    files.end(file, loaded.ok ? loaded.config : undefined)
    return Promise.resolve()
  }
  await read()
  t.ok(isGood, 'the first one is good')
  t.teardown(
    files.watch(() => {
      readings += 1
      return read()
    }),
  )
  return {
    file,
    isGood: () => isGood,
    /** How many readings come of what was done, in so many looks. */
    async after(change: () => void, looks = 4): Promise<number> {
      const before = readings
      change()
      await clock.advance(looks * LOOK_MS)
      return readings - before
    },
    advance: (looks: number) => clock.advance(looks * LOOK_MS),
    readings: () => readings,
  }
}

const SECRET = 'a-secret-of-at-least-thirty-two-bytes-for-hs256-'
const withSecret = (path: string) => `issuers:
  - { name: main, issuer: "https://i.example.com", audiences: [a], algorithms: [HS256], keys: { secret: { value: "\${file:${path}}" } } }
upstreams: { up: { targets: [http://127.0.0.1:1] } }
routes: [{ path: /x, upstream: up }]
`

/** A ConfigMap or Secret volume: `name` -> `..data/name`, `..data` -> a folder with the time in its name. */
function createVolume(folder: string, files: Record<string, string>) {
  let count = 0
  function put(next: Record<string, string>): () => void {
    count += 1
    const stamp = `..2026_11_28_15_00_0${count}.1`
    mkdirSync(join(folder, stamp))
    for (const [name, text] of Object.entries(next)) writeFileSync(join(folder, stamp, name), text)
    // As kubelet's atomic writer: a new link beside, renamed over the old one, then the old folder removed.
    symlinkSync(stamp, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    const before = `..2026_11_28_15_00_0${count - 1}.1`
    return () => {
      rmSync(join(folder, before), { recursive: true, force: true })
    }
  }
  put(files)()
  for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(folder, name))
  return { put }
}

t.test('Kubernetes: a swap of ..data is one reading, whatever changed in the volume', async (t) => {
  const folder = t.testdir()
  const volume = join(folder, 'volume')
  mkdirSync(volume)
  const { put } = createVolume(volume, { secret: `${SECRET}1` })
  const { after, isGood } = await startWatching(t, folder, withSecret('volume/secret'))
  t.equal(await after(() => undefined), 0, 'nothing happened')
  for (const turn of [2, 3]) {
    let removeOld = () => undefined as void
    t.equal(await after(() => (removeOld = put({ secret: `${SECRET}${turn}` }))), 1)
    t.equal(await after(() => removeOld()), 0, 'the old folder goes away')
    t.ok(isGood())
  }
})

t.test('Kubernetes: the config itself in a volume', async (t) => {
  const folder = t.testdir()
  const [volume, text] = [join(folder, 'volume'), withSecret('../secret')]
  mkdirSync(volume)
  writeFileSync(join(folder, 'secret'), SECRET)
  const { put } = createVolume(volume, { 'gateway.yaml': text })
  const clock = createFakeClock()
  const files = createWatchedFiles(clock.schedule)
  let last = ''
  const read = () => {
    files.begin()
    const loaded = loadConfig(join(volume, 'gateway.yaml'), { env: {}, readFile: files.readFile })
    files.end(join(volume, 'gateway.yaml'), loaded.ok ? loaded.config : undefined)
    last = loaded.ok ? (loaded.config.routes[0]?.path ?? '') : 'bad'
    return Promise.resolve()
  }
  await read()
  t.teardown(files.watch(read))
  put({ 'gateway.yaml': text.replace('/x', '/y') })()
  await clock.advance(3 * LOOK_MS)
  t.equal(last, '/y')
  writeFileSync(join(folder, 'secret'), `${SECRET}2`)
  put({ 'gateway.yaml': text.replace('/x', '/z') })()
  await clock.advance(3 * LOOK_MS)
  t.equal(last, '/z')
})

t.test('editors and half-written files: read once, when all is quiet', async (t) => {
  const folder = t.testdir({ secret: SECRET })
  const secret = join(folder, 'secret')
  const { after, advance, readings, file, isGood } = await startWatching(t, folder, withSecret('secret'))
  const byRename = () => {
    writeFileSync(`${secret}.tmp`, `${SECRET}2`)
    renameSync(`${secret}.tmp`, secret)
  }
  t.equal(await after(byRename), 1, 'written beside and renamed')
  const withBackup = () => {
    renameSync(secret, `${secret}~`)
    writeFileSync(secret, `${SECRET}3`)
    unlinkSync(`${secret}~`)
  }
  t.equal(await after(withBackup), 1, 'moved away and written anew')
  const before = readings()
  for (let piece = 0; piece < 5; piece += 1) {
    appendFileSync(file, `# more ${piece}\n`)
    await advance(1)
  }
  t.equal(readings(), before, 'while it is being written nothing is read')
  await advance(2)
  t.equal(readings(), before + 1)
  const both = () => {
    writeFileSync(secret, `${SECRET}4`)
    appendFileSync(file, '# with it\n')
  }
  t.equal(await after(both), 1, 'two files, one reading')
  t.ok(isGood())
})

t.test('a file that is away is told once, and what comes back is read', async (t) => {
  const folder = t.testdir({ secret: SECRET })
  const secret = join(folder, 'secret')
  const { after, file, isGood } = await startWatching(t, folder, withSecret('secret'))
  t.equal(await after(() => unlinkSync(secret)), 1)
  t.notOk(isGood())
  t.equal(await after(() => undefined), 0, 'not again and again')
  t.equal(await after(() => writeFileSync(secret, SECRET)), 1, 'a bad config watches what the good one named')
  t.ok(isGood())
  t.equal(await after(() => writeFileSync(file, 'routes: [')), 1)
  t.equal(await after(() => writeFileSync(secret, `${SECRET}2`)), 1, 'also where the fault is another')
  t.equal(await after(() => writeFileSync(file, withSecret('other'))), 1, 'it names a file that is not there')
  t.equal(await after(() => writeFileSync(join(folder, 'other'), SECRET)), 1, 'which comes')
  t.ok(isGood())
  t.equal(await after(() => writeFileSync(secret, `${SECRET}3`)), 0, 'what is not named any more is not watched')
})

t.test('every file that an option names; what its holder reads by itself is left to that', async (t) => {
  if (!requireComponent(t, 'openssl', '/usr/bin/openssl')) return
  const folder = t.testdir()
  makeCertificate(folder, 'client.example.com')
  const [cert, key] = ['client.example.com.cert.pem', 'client.example.com.key.pem']
  const text = `listen: { tls: { cert: ${cert}2, key: ${key}2 } }
upstreams: { up: { targets: [https://127.0.0.1:1], tls: { ca: ${cert}, cert: ${cert}, key: ${key} } } }
routes: [{ path: /x, upstream: up, auth: none }]
`
  for (const name of [cert, key]) renameSync(join(folder, name), join(folder, `${name}2`))
  makeCertificate(folder, 'client.example.com')
  const { after } = await startWatching(t, folder, text)
  const touch = (name: string) => () => appendFileSync(join(folder, name), '\n')
  t.equal(await after(touch(cert)), 1)
  t.equal(await after(touch(key)), 1)
  t.equal(await after(touch(`${cert}2`)), 0, 'the listener has its own watch')
})

t.test(
  'a file that newly has a name that include matches is read, one that goes as well, others are not',
  async (t) => {
    const folder = t.testdir({ routes: { 'a.yaml': 'routes: [{ path: /a, upstream: up, auth: none }]\n' } })
    const text = 'include: routes/*.yaml\nupstreams: { up: { targets: [http://127.0.0.1:1] } }\n'
    const watched = await startWatching(t, folder, text)
    const route = (name: string) => join(folder, 'routes', name)
    const put = (name: string, path: string) => () => {
      writeFileSync(route(name), `routes: [{ path: ${path}, upstream: up, auth: none }]\n`)
    }
    t.equal(await watched.after(put('.a.yaml.swp', '/x')), 0, 'of an editor')
    t.equal(await watched.after(put('b.yaml', '/b')), 1)
    t.equal(await watched.after(put('broken.yaml', '/b')), 1, 'the same route once more')
    t.notOk(watched.isGood())
    t.equal(
      await watched.after(() => {
        unlinkSync(route('broken.yaml'))
      }),
      1,
    )
    t.ok(watched.isGood())
    t.equal(await watched.after(() => undefined), 0)
  },
)
