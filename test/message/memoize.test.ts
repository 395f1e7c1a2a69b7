// What is memoized is decided once, and a flood of keys does not grow the memory.
import t from 'tap'

import { memoize } from '../../gateway/src/message/memoize.ts'

t.test('each key is decided once, until more came than are kept', async (t) => {
  const asked: string[] = []
  const isLong = memoize(3, (key) => {
    asked.push(key)
    return key.length > 1
  })
  for (const key of ['a', 'bb', 'a', 'bb', 'c', 'c']) t.equal(isLong(key), key.length > 1, key)
  t.same(asked, ['a', 'bb', 'c'], 'false is kept as well as true')
  t.equal(isLong('dd'), true)
  asked.length = 0
  for (const key of ['dd', 'a', 'a']) isLong(key)
  t.same(asked, ['a'], 'the fourth key began the memory anew')
})
