import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'

import { beginOf, endOf, measuredText, SECTIONS, withMeasured } from '../../bench/report/readme.ts'

t.test('the measured tables of the documents are those of the results', async (t) => {
  const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
  for (const section of SECTIONS) {
    const document = read(section.document)
    const results = `bench/results/${section.results}`
    const json = existsSync(new URL(`../../${results}`, import.meta.url)) ? read(results) : undefined
    const wanted = withMeasured(document, section.name, measuredText(section, json))
    t.equal(document, wanted, `${section.document}, ${section.name}: run npm run bench:readme`)
    t.notMatch(measuredText(section, json), /undefined|NaN|\| +\|(?! )/, `${section.name} has all its figures`)
  }
})

t.test('only what stands between the markers is replaced, and without them nothing is written', async (t) => {
  const [begin, end] = [beginOf('a table'), endOf('a table')]
  t.equal(withMeasured(`a\n${begin}\nold\n${end}\nb\n`, 'a table', 'new'), `a\n${begin}\nnew\n${end}\nb\n`)
  for (const broken of ['no markers', `${end} ${begin}`, `${begin} ${begin} ${end}`, `${begin} ${end} ${end}`])
    t.throws(() => withMeasured(broken, 'a table', 'new'), /once each/)
  t.throws(() => withMeasured(`${beginOf('another')}\n${endOf('another')}`, 'a table', 'new'), /once each/)
})

t.test('a table whose bench never ran says how to run it', async (t) => {
  for (const section of SECTIONS) t.match(measuredText(section, undefined), /^Not measured yet: `npm run bench/)
})
