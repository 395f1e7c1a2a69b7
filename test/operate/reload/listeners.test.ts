// A process whose file changes where it listens: by signal, and told at the line where that cannot be.
import t from 'tap'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { eventually } from '../../support/eventually.ts'
import { run, temporaryDirectory } from '../../support/gateway-process.ts'
import { askAt, freePort } from '../../support/listeners.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

for (const workers of [1, 2])
  t.test(
    `SIGHUP has the gateway listen elsewhere, or says at which line it cannot and changes nothing (${workers})`,
    async (t) => {
      const upstream = await startUpstream(t)
      const folder = temporaryDirectory(t)
      const file = join(folder, 'gateway.yaml')
      const [first, second] = [await freePort(), await freePort()]
      const taken = createServer().listen(0, '127.0.0.1')
      await once(taken, 'listening')
      t.teardown(() => taken.close())
      const { port } = taken.address() as { port: number }
      const write = (...listeners: readonly string[]) => {
        writeFileSync(
          file,
          `listen:\n${listeners.map((listener) => `  - { ${listener} }\n`).join('')}admin: { port: 0 }\nworkers: ${workers}\n` +
            `upstreams: { up: { targets: ['${upstream.url}'] } }\nroutes: [{ path: '/*', upstream: up, auth: none }]\n`,
        )
      }
      write(`port: ${first}`)
      const { child, output } = run(t, file)
      const said = (pattern: RegExp) => eventually(() => pattern.test(output()), String(pattern), 30_000)
      await said(/"listening"/)

      write(`port: ${second}`, `unix: a.sock`)
      child.kill('SIGHUP')
      await said(/"the config was reloaded"/)
      await said(new RegExp(`"url":"unix:${folder}/a\\.sock","message":"listening at one more address"`))
      await said(new RegExp(`"url":"http://127\\.0\\.0\\.1:${first}","message":"listening no longer`))
      t.same(
        [(await askAt(`http://127.0.0.1:${second}`)).status, (await askAt(`unix:${folder}/a.sock`)).status],
        [200, 200],
      )
      await t.rejects(askAt(`http://127.0.0.1:${first}`), { message: 'ECONNREFUSED' })

      write(`port: ${second}`, `port: ${port}`)
      child.kill('SIGHUP')
      await said(/"the config was not reloaded/)
      const place = `gateway\\.yaml:3:13[^"]*port ${port} of 127\\.0\\.0\\.1 is in use \\(listen\\[1\\]\\.port\\)`
      t.match(output(), new RegExp(place))
      t.equal((await askAt(`unix:${folder}/a.sock`)).status, 200, 'which was to be closed')
      child.kill('SIGTERM')
      await once(child, 'exit')
      t.equal(child.exitCode, 0)
    },
  )
