// What is asked for stays, what is not goes, and the bound holds.
import t from 'tap'

import { createRecentMap } from '../../../gateway/src/forward/headers/recent-map.ts'

t.test('of more than fits, what was asked for lately is remembered', async (t) => {
  const keys = Array.from({ length: 100 }, (_, index) => ({ index }))
  const map = createRecentMap<object, number>(20 * 260)
  const known = () => keys.filter((key) => map.get(key) !== undefined).length
  const [first = {}] = keys
  keys.forEach((key, index) => {
    map.set(key, index, 100)
    if (map.get(first) !== 0) map.set(first, 0, 100)
    t.equal(map.get(key), index, 'what was just made')
  })
  t.equal(map.get(first), 0, 'it was asked for again and again')
  t.ok(known() <= 20, `${known()} of 100`)
  t.equal(map.get({}), undefined)
})
