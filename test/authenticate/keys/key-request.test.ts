// The files of a key fetch, read for each: one that became a pipe, a device or a directory ends the fetch, and does not hold it.
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { keyRequest } from '../../../gateway/src/authenticate/keys/key-request.ts'

const BECOMES: Readonly<Record<string, (file: string) => void>> = {
  'a pipe': (file) => void execFileSync('mkfifo', [file]),
  'a device without an end': (file) => {
    symlinkSync('/dev/zero', file)
  },
  'a file without an end': (file) => {
    writeFileSync(file, '')
    truncateSync(file, 1e9)
  },
  'a directory': (file) => void mkdirSync(file),
  'a link to itself': (file) => {
    symlinkSync(file, file)
  },
  nothing: () => undefined,
}

for (const [what, become] of Object.entries(BECOMES))
  t.test(`a file of certificates or of a header that became ${what}`, { timeout: 5000 }, async (t) => {
    const file = join(t.testdir({ value: 'secret' }), 'value')
    const ofHeader = { timeout: 1000, headers: { 'x-key': { file } } }
    t.match(await keyRequest(ofHeader), { headers: { 'x-key': 'secret' } })
    rmSync(file)
    become(file)
    await t.rejects(keyRequest(ofHeader), { message: 'the file with the header x-key cannot be read' })
    await t.rejects(keyRequest({ timeout: 1000, ca: file }), {
      message: 'the file with the certificates (keys.ca) cannot be read',
    })
    rmSync(file, { recursive: true, force: true })
    writeFileSync(file, 'fresh')
    t.match(await keyRequest(ofHeader), { headers: { 'x-key': 'fresh' } })
  })
