// Brackets that nothing closes, in texts that nobody thought of: told where they are opened, each once.
import t from 'tap'
import fc from 'fast-check'
import { parseDocument } from 'yaml'

import { bracketFaults } from '../../../gateway/src/config/text/brackets.ts'

/** A flow value and what it is written like. */
const flow = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('a', '12', '"[{"', "'}]'", 'a-b'),
    fc.array(tie('value'), { minLength: 1, maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    fc
      .array(tie('value'), { minLength: 1, maxLength: 3 })
      .map((items) => `{ ${items.map((v, i) => `k${i}: ${v}`).join(', ')} }`),
  ),
}))

/** Offsets of brackets that are no text in quotes. */
function brackets(text: string, kinds: string): readonly number[] {
  const bare = text.replace(/"[^"]*"|'[^']*'/g, (quoted) => '_'.repeat(quoted.length))
  return [...bare].flatMap((character, index) => (kinds.includes(character) ? [index] : []))
}

t.test('what is closed is not told', (t) => {
  fc.assert(
    fc.property(flow.value, (value) => {
      const text = `a: ${value}\nb: 1 # }\nc: |\n  ]\n`
      return parseDocument(text).errors.length === 0 && bracketFaults(text).length === 0
    }),
  )
  t.end()
})

t.test('each closing bracket that is taken away leaves one fault, at a bracket', (t) => {
  fc.assert(
    fc.property(flow.value, fc.nat(), (value, pick) => {
      const closing = brackets(value, ']}')
      fc.pre(closing.length > 0)
      const at = closing[pick % closing.length] ?? 0
      const text = `a: ${value.slice(0, at)}${value.slice(at + 1)}\nb: 1\n`
      const faults = bracketFaults(text)
      return faults.length === 1 && '[{]}'.includes(text[faults[0]?.offset ?? -1] ?? ' ')
    }),
  )
  t.end()
})

t.test('any text has an end, and faults are in order and inside of it', (t) => {
  const piece = fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    'a',
    ': ',
    ', ',
    '\n',
    '\n  ',
    '- ',
    '"',
    "'",
    '#',
    '|\n',
    '\t',
    '&a ',
    '*a',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join('')
      const offsets = bracketFaults(text).map(({ offset }) => offset)
      return offsets.every((offset) => offset >= 0 && offset <= text.length) && offsets.length <= text.length
    }),
    { numRuns: 1000 },
  )
  const many = bracketFaults('['.repeat(200_000))
  t.match(many, [{ offset: 199_999, message: 'this [ is never closed: 200000 brackets are missing' }])
  t.end()
})
