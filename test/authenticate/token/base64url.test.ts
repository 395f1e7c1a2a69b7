// The strict decoder against a plain reading of the rule: nothing but the 64 characters, and a length that bytes can have.
import t from 'tap'
import fc from 'fast-check'

import { decodeBase64url, isCanonical } from '../../../gateway/src/authenticate/token/base64url.ts'

const target = Buffer.alloc(4096)
const isBase64url = (text: string) => /^[\w-]*$/.test(text) && text.length % 4 !== 1

const text = fc
  .array(
    fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom(...'ABCZaz019-_') },
      { weight: 1, arbitrary: fc.constantFrom(...'+/=.~ \t\r\n\0%\u007f\u00e9\u00ff\u0141\u{1f600}') },
    ),
    { maxLength: 400 },
  )
  .map((characters) => characters.join(''))

t.test('what it takes is base64url and nothing else, and the bytes are those of Node', async () => {
  fc.assert(
    fc.property(text, (text) => {
      const length = decodeBase64url(text, target)
      if ((length !== -1) !== isBase64url(text)) throw new Error(`${length} for ${JSON.stringify(text)}`)
      if (length === -1) return
      const expected = Buffer.from(text, 'base64url')
      if (!target.subarray(0, length).equals(expected)) throw new Error(`other bytes for ${text}`)
      if (isCanonical(text) !== (expected.toString('base64url') === text)) throw new Error(`canonical? ${text}`)
    }),
    { numRuns: 3000 },
  )
})

t.test('every character in every place of a short text is judged by the rule', async (t) => {
  let wrong = 0
  for (const start of ['', 'A', 'AB', 'ABC', 'ABCD', 'ABCDE', 'ABCDEF']) {
    for (let code = 0; code < 0x180; code += 1) {
      for (const text of [start + String.fromCharCode(code), String.fromCharCode(code) + start]) {
        if ((decodeBase64url(text, target) !== -1) !== isBase64url(text)) wrong += 1
      }
    }
  }
  for (const end of ['=', '==', '===', '====', '\n', '.', '..']) {
    for (const start of ['A', 'AB', 'ABC', 'ABCD']) if (decodeBase64url(start + end, target) !== -1) wrong += 1
  }
  t.equal(wrong, 0)
})

t.test('a text that was cut out of one with wider characters is judged alike', async (t) => {
  const cut = (text: string) => `${'\u4e00'.repeat(20)}${text}`.slice(20)
  for (const text of ['A'.repeat(40), 'A'.repeat(342)]) {
    t.equal(decodeBase64url(cut(text), target), Math.floor((text.length * 3) / 4))
    for (const code of [0x80, 0xff, 0x100, 0x141, 0x4e41, 0xd841, 0xffff]) {
      const other = String.fromCharCode(code)
      for (const bad of [other + text.slice(1), text.slice(1) + other, text.slice(0, 20) + other + text.slice(21)])
        t.equal(decodeBase64url(cut(bad), target), -1, code.toString(16))
    }
  }
})

t.test('what does not fit is refused and not cut', async (t) => {
  const small = Buffer.alloc(3)
  t.equal(decodeBase64url('AAAA', small), 3)
  t.equal(decodeBase64url('AAAAAA', small), -1)
})
