import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'

import { FAILURES } from '../../../gateway/src/failure.ts'
import { FAILURE_ADVICE } from '../../../gateway/src/operate/reference/failure-advice.ts'
import { referencePages } from '../../../gateway/src/operate/reference/reference-pages.ts'

const FOLDER = new URL('../../../docs/reference/', import.meta.url)

t.test('the pages of docs/reference are those of the code', (t) => {
  const pages = referencePages()
  t.same(readdirSync(FOLDER).sort(), Object.keys(pages).sort())
  for (const [name, text] of Object.entries(pages))
    t.equal(readFileSync(new URL(name, FOLDER), 'utf8'), text, `${name}: run npm run config:generate`)
  t.end()
})

t.test('each failure code says what to do, in a sentence of its own', (t) => {
  t.same(Object.keys(FAILURE_ADVICE).sort(), Object.keys(FAILURES).sort())
  for (const [code, advice] of Object.entries(FAILURE_ADVICE)) t.match(advice, /^[A-Z].{20,}\.$/s, code)
  t.equal(new Set(Object.values(FAILURE_ADVICE)).size, Object.keys(FAILURES).length)
  t.end()
})
