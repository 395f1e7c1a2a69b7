import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'

import { BEGIN, END, measuredText, withMeasured } from '../../bench/report/readme.ts'

t.test('the measured tables of the README are those of the results', async (t) => {
  const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
  const readme = read('README.md')
  const results = 'bench/results/peers.json'
  const peers = existsSync(new URL(`../../${results}`, import.meta.url)) ? read(results) : undefined
  t.equal(readme, withMeasured(readme, measuredText(peers)), 'run npm run bench:readme')
})

t.test('only what stands between the markers is replaced, and without them nothing is written', async (t) => {
  t.equal(withMeasured(`a\n${BEGIN}\nold\n${END}\nb\n`, 'new'), `a\n${BEGIN}\nnew\n${END}\nb\n`)
  for (const broken of ['no markers', `${END} ${BEGIN}`, `${BEGIN} ${BEGIN} ${END}`, `${BEGIN} ${END} ${END}`])
    t.throws(() => withMeasured(broken, 'new'), /once each/)
})
