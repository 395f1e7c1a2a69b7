// A file that became a pipe after the config was checked is read without a wait: a process that serves must not stand still.
import t from 'tap'
import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'

import { filesOfKeys, issuerFiles } from '../../../gateway/src/gateway/change/issuer-files.ts'
import { readNamedFile } from '../../../gateway/src/options/files/named-file.ts'
import { testConfig } from '../../support/test-gateway.ts'

t.test('whoever reads the files of options does not wait for a pipe', async (t) => {
  const file = join(t.testdir(), 'pipe')
  execFileSync('mkfifo', [file])
  // Whoever waited for it would have what this one writes, and go on.
  const writer = spawn('sh', ['-c', 'while :; do echo written > "$0"; done', file])
  t.teardown(() => writer.kill('SIGKILL'))
  const { issuers } = testConfig({
    upstreams: { up: { targets: ['http://127.0.0.1:1'] } },
    routes: [{ path: '/*', upstream: 'up' }],
    issuers: [{ name: 'a', issuer: 'https://i.example.com', algorithms: ['ES256'], keys: { pemFile: file } }],
  })
  t.throws(() => readNamedFile('key file', file, ['keys']), { message: `key file ${file} cannot be read (EPIPE)` })
  t.same(issuerFiles(issuers), [undefined])
  t.same(filesOfKeys([{ pemFile: file }]), [undefined])
  t.throws(() => readNamedFile('key file', '/dev/zero', ['keys']), {
    message: 'key file /dev/zero cannot be read (EPIPE)',
  })
})
