// The list of known failures beside this file names tests that are there: a title that was changed is changed in both.
import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const TESTS = new URL('..', import.meta.url).pathname

const FILES = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })

/** `authenticate/key-set`: in that folder of tests, or in a room of it. */
function textOf(path: string): string {
  const [folder = '', name = ''] = path.split('/')
  const file = FILES.find((one) => one.startsWith(`${folder}/`) && one.endsWith(`/${name}.test.ts`))
  if (file === undefined) throw new Error(`there is no test ${path}`)
  return readFileSync(join(TESTS, file), 'utf8')
}

t.test('every test that the list of known failures names is there, in one of the files that it names', async (t) => {
  const rows = readFileSync(join(TESTS, 'security/README.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| [A-Z]{2}-\d/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()))
  t.ok(rows.length > 35)
  let folder = ''
  for (const [ids = '', , files = '', titles = ''] of rows) {
    const text = files
      .split(', ')
      .map((file) => {
        // `authenticate/oracle, base64url`: a name without a folder is in the folder before it.
        const path = file.includes('/') ? file : `${folder}/${file}`
        folder = path.slice(0, path.lastIndexOf('/'))
        return path.endsWith('/cases') ? readdirSync(join(TESTS, path)).join() : textOf(path)
      })
      .join('\n')
    for (const title of titles.split(' · ')) t.ok(text.includes(title), `${ids}: ${title}`)
  }
})
