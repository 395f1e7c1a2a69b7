// The users file and the check of passwords.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { hashSync } from '@node-rs/argon2'
import t from 'tap'

import { createPasswordCheck } from '../../sample-backend/src/login/password.ts'
import { loadUsers } from '../../sample-backend/src/login/users.ts'
import { usersFile } from './sample-server.ts'

t.test('the users of the sample differ in what they may do and in what their tokens say', async (t) => {
  const users = await loadUsers(usersFile)
  t.same([...users.keys()], ['alice', 'bob'])
  t.same(users.get('alice')?.scopes, ['things:read', 'things:write'])
  t.same(users.get('bob')?.scopes, ['things:read'])
  t.match(users.get('alice')?.claims, { 'http://a.com': String, roles: ['admin', 'editor'], department: String })
})

t.test('the passwords in the comment of the users file are right', async (t) => {
  const checkPassword = await createPasswordCheck(await loadUsers(usersFile))
  t.equal((await checkPassword('alice', 'wonderland'))?.name, 'alice')
  t.equal((await checkPassword('bob', 'builder'))?.name, 'bob')
  t.equal(await checkPassword('alice', 'builder'), undefined)
  t.equal(await checkPassword('Alice', 'wonderland'), undefined, 'a name is taken as it is written')
  t.equal(await checkPassword('__proto__', 'wonderland'), undefined)
})

t.test('a user who does not exist takes as long to refuse as a wrong password', async (t) => {
  const checkPassword = await createPasswordCheck(await loadUsers(usersFile))
  const fastestMs = async (username: string): Promise<number> => {
    const times: number[] = []
    for (let run = 0; run < 3; run += 1) {
      const startedAt = performance.now()
      await checkPassword(username, 'wrong')
      times.push(performance.now() - startedAt)
    }
    return Math.min(...times)
  }
  // Without a hash to verify it would be some thousand times faster; the margin is for a busy machine.
  t.ok((await fastestMs('nobody')) > (await fastestMs('alice')) / 4)
})

t.test('a file that cannot be used is one line that says why', async (t) => {
  const hash = hashSync('x')
  const cheap = hashSync('x', { memoryCost: 1024 })
  const alice = (rest: string): string => `users: { alice: { passwordHash: "${hash}", ${rest} } }`
  const cases = [
    ['users: [', /at line 1/],
    ['[]', /must have a map named "users"/],
    ['users: [alice]', /must have a map named "users"/],
    ['users: { alice: }', /alice: passwordHash must be an argon2id hash/],
    ['users: { alice: { passwordHash: wonderland } }', /alice: passwordHash must be an argon2id hash/],
    [`users: { alice: { passwordHash: "${cheap}" } }`, /with m=19456, t=2, p=1/],
    [alice('scopes: things:read'), /alice: scopes must be a list/],
    [alice('scopes: ["things:read things:write"]'), /alice: scopes must be a list/],
    [alice('scopes: [""]'), /alice: scopes must be a list/],
    [alice('claims: [1]'), /alice: claims must be a map/],
  ] as const

  const path = join(t.testdir({}), 'users.yaml')
  for (const [content, reason] of cases) {
    writeFileSync(path, content)
    const error = await loadUsers(path).catch((error: Error) => error)
    t.match(error, { name: 'StartupError', message: reason }, content.replace(/\$[^"]*/, '...'))
    t.ok(error instanceof Error && error.message.startsWith(`${path}: `) && !error.message.includes('\n'))
  }
})

t.test('a file that is not there is one line', async (t) => {
  await t.rejects(loadUsers('/nowhere/users.yaml'), {
    name: 'StartupError',
    message: /^\/nowhere\/users\.yaml: ENOENT/,
  })
})

t.test('a user needs no scopes and no claims', async (t) => {
  const path = join(t.testdir({}), 'users.yaml')
  writeFileSync(path, `users: { carol: { passwordHash: "${hashSync('x')}" } }`)
  t.match((await loadUsers(path)).get('carol'), { name: 'carol', scopes: [], claims: {} })
})
