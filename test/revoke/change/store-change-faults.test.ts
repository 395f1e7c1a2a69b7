// A change of the store in which a step fails: nothing has changed, and what is revoked meanwhile is kept by the store in use.
import t, { type Test } from 'tap'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'

import { CannotStart } from '../../../gateway/src/failure.ts'
import { redisServerPath, startRedis } from '../../support/redis.ts'
import { requireComponent } from '../../support/require-component.ts'
import { entry } from '../machine.ts'
import { change, keptIn, leaveMark, named, optionsOf, put, start, type Store } from './changing.ts'

const skip = !requireComponent(t, 'redis-server', redisServerPath)

/** Between a gateway and Redis: ends all connections for good when so many pieces went through. */
async function startCut(t: Test, target: number) {
  let left = Infinity
  const sockets = new Set<Socket>()
  const server: Server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => [client, upstream].forEach((other) => other.destroy()))
    }
    const pass = (to: Socket) => (piece: Buffer) => {
      left -= 1
      if (left < 0) for (const socket of sockets) socket.destroy()
      else to.write(piece)
    }
    client.on('data', pass(upstream))
    upstream.on('data', pass(client))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}/0`,
    cutAfter(pieces: number) {
      left = pieces
    },
    isCut: () => left < 0,
  }
}

t.test(
  'wherever Redis goes away while it is opened, nothing has changed, and revoking goes on',
  { skip },
  async (t) => {
    const redis = await startRedis(t)
    await leaveMark(redis)
    await put(redis, entry('only there'))
    const cut = await startCut(t, redis.port)
    const level = { level: join(t.testdir(), 'first') }
    const { revocation, told } = await start(t, level)
    await revocation.block(Array.from({ length: 1500 }, (_, index) => entry(`early ${index}`)))
    const before = named(revocation).length
    let failures = 0
    for (let pieces = 0; ; pieces += 1) {
      cut.cutAfter(pieces)
      const late = `late ${pieces}`
      const changed = change(revocation, optionsOf({ redis: cut.url })).then(
        () => true,
        (error: unknown) => {
          t.ok(error instanceof CannotStart)
          t.same((error as CannotStart).option, ['revocation', 'store', 'redis'])
          return false
        },
      )
      const stored = revocation.block([entry(late)])
      if (await changed) break
      failures += 1
      t.equal(await stored, true, 'the store in use has it')
      t.notOk(named(revocation).includes('only there'), 'nothing of the other store')
      t.equal(named(revocation).length, before + failures)
      t.match(revocation.status(), { kind: 'level', up: true, queued: 0 })
    }
    t.ok(failures >= 8, `${failures} pieces`)
    t.same(told, ['up 0', `up ${before + failures + 2}`], 'the failed ones are not told as down')
    t.ok(named(revocation).includes('only there'))
    cut.cutAfter(Infinity)
    await revocation.close()
    t.equal((await keptIn(t, { redis: redis.url })).length, before + failures + 2)
  },
)

t.test(
  'a store that cannot be opened or written is told with its option, and the one in use stays',
  { skip },
  async (t) => {
    const redis = await startRedis(t, { password: 'right' })
    const full = await startRedis(t)
    await leaveMark(full)
    await full.command('CONFIG', 'SET', 'maxmemory', '1')
    const folder = t.testdir({ file: 'no folder' })
    const locked = new ClassicLevel(join(folder, 'locked'))
    await locked.open()
    t.teardown(() => locked.close())
    writeFileSync(join(folder, 'ca.pem'), 'no certificate')
    const url = `redis://127.0.0.1:${redis.port}/0`
    const cases: readonly (readonly [Store, RegExp, string])[] = [
      [{ level: join(folder, 'file', 'in it') }, /is no folder/, 'level'],
      [{ level: join(folder, 'locked') }, /in use by another process/, 'level'],
      [{ redis: 'redis://127.0.0.1:1/0' }, /refuses connections/, 'redis'],
      [{ redis: url }, /refuses the password/, 'redis'],
      [{ redis: full.url }, /out of memory/, 'redis'],
      [{ redis: url, ca: join(folder, 'nowhere.pem') }, /cannot be read/, 'ca'],
    ]
    const { revocation, told } = await start(t, { level: join(folder, 'first') })
    await revocation.block([entry('early')])
    for (const [store, message, option] of cases) {
      let failure: unknown
      await change(revocation, optionsOf(store)).catch((error: unknown) => (failure = error))
      t.match(failure, { message, option: ['revocation', 'store', option] })
      t.notMatch(String(failure), /wrong|right/, 'no password')
      t.equal(await revocation.block([entry(`after ${String(message)}`)]), true)
    }
    t.equal(named(revocation).length, 1 + cases.length)
    t.same(told, ['up 0'])
  },
)

t.test('a folder that fails while the list is written into it is given up', async (t) => {
  const folder = t.testdir()
  const { revocation } = await start(t, { level: join(folder, 'first') })
  await revocation.block([entry('early')])
  const next = join(folder, 'next')
  const original = ClassicLevel.prototype.batch
  let failing = 1
  t.teardown(() => {
    ClassicLevel.prototype.batch = original
  })
  ClassicLevel.prototype.batch = async function batch(this: ClassicLevel, ...args: never[]) {
    if (this.location === next && failing > 0) {
      failing -= 1
      throw Object.assign(new Error('IO error'), { code: 'LEVEL_IO_ERROR' })
    }
    return (original as (...all: never[]) => unknown).apply(this, args)
  } as unknown as typeof original
  await t.rejects(change(revocation, optionsOf({ level: next })), { message: /next cannot be read or written/ })
  t.equal(await revocation.block([entry('late')]), true)
  t.match(revocation.status(), { kind: 'level', up: true })
  await change(revocation, optionsOf({ level: next }))
  await revocation.close()
  t.same(await keptIn(t, { level: next }), ['early', 'late'])
})
