// Headers as names and values in turn, compared with the same done on a list of pairs.
import fc from 'fast-check'
import t from 'tap'

import {
  eachHeader,
  findHeader,
  headerLines,
  indexOfHeader,
  removeHeaders,
  replaceHeader,
  takeHeader,
  valuesOf,
} from '../../gateway/src/message/raw-headers.ts'

const NAMES = ['via', 'cookie', 'x-a', 'x-b']

type Pair = readonly [name: string, value: string]

/** Few names, in any case, so that most lists have one several times. */
const pairs: fc.Arbitrary<Pair[]> = fc.array(
  fc.tuple(
    fc.constantFrom(...NAMES.flatMap((name) => [name, name.toUpperCase(), name.replace(/^./, (c) => c.toUpperCase())])),
    fc.string({ maxLength: 4 }),
  ),
  { maxLength: 12 },
)
const lower = ([name]: Pair) => name.toLowerCase()

t.test('what is read is what a list of pairs says', async (t) => {
  fc.assert(
    fc.property(pairs, fc.constantFrom(...NAMES, 'absent'), (list, name) => {
      const headers = list.flat()
      const visited: Pair[] = []
      eachHeader(headers, (spelt, value) => visited.push([spelt, value]))
      t.same(visited, list)
      const wanted = list.filter((pair) => lower(pair) === name)
      t.equal(
        indexOfHeader(headers, name),
        list.findIndex((pair) => lower(pair) === name) * (wanted.length > 0 ? 2 : 1),
      )
      t.equal(findHeader(headers, name), wanted[0]?.[1])
      t.same(
        valuesOf(headers, name),
        wanted.map(([, value]) => value),
      )
      t.equal(headerLines(headers), list.map(([spelt, value]) => `${spelt}: ${value}\r\n`).join(''))
    }),
  )
})

t.test('what is changed in place is what a list of pairs becomes', async (t) => {
  fc.assert(
    fc.property(pairs, fc.constantFrom(...NAMES, 'absent'), (list, name) => {
      const others = list.filter((pair) => lower(pair) !== name).flat()

      const removed: string[] = list.flat()
      removeHeaders(removed, (other) => other === name)
      t.same(removed, others)

      const left: string[] = list.flat()
      t.same(
        takeHeader(left, name),
        list.flatMap((pair) => (lower(pair) === name ? [pair[1]] : [])),
      )
      t.same(left, others)

      // An empty value is taken out, others change.
      const replaced: string[] = list.flat()
      replaceHeader(replaced, name, (value) => (value === '' ? undefined : `<${value}>`))
      t.same(
        replaced,
        list.flatMap(([spelt, value]) =>
          spelt.toLowerCase() !== name ? [spelt, value] : value === '' ? [] : [spelt, `<${value}>`],
        ),
      )
    }),
  )
})

t.test('a name without a value, as a parser may leave one, is no header', async (t) => {
  const odd = ['x-a', '1', 'via']
  t.equal(indexOfHeader(odd, 'via'), -1)
  t.same(valuesOf(odd, 'via'), [])
  t.equal(headerLines(odd), 'x-a: 1\r\n')
})
