import fc from 'fast-check'
import t from 'tap'
import { hash as digest } from 'node:crypto'

import { anonymousResult, type AuthResult } from '../../../gateway/src/authenticate/auth-result.ts'
import { BLOCK_KINDS, BLOCK_REASONS, mergeEntries, type BlockEntry } from '../../../gateway/src/revoke/block-list.ts'
import { createBlockList } from '../../../gateway/src/revoke/list/memory-list.ts'
import { createPacker, type Packer } from '../../../gateway/src/revoke/list/packed-text.ts'

const ISSUERS = ['https://a.example.com/', 'b']
// Few values, so that they meet; some that a packed text could take for one another.
const VALUES = [
  'a',
  'ab',
  'abcd',
  'abcde',
  'é',
  'ÿÿ',
  '\u0100',
  'a\0',
  'a\0\0',
  '日本',
  'x'.repeat(1025),
  // As long as a token's id, of which only the beginning is hashed.
  `${'z'.repeat(42)}a`,
  `${'z'.repeat(42)}b`,
  `${'z'.repeat(42)}\u0100`,
  `\u0100${'z'.repeat(42)}`,
  'ÿ'.repeat(43),
  'y'.repeat(44),
  'y'.repeat(45),
  'y'.repeat(100),
  '\u0100'.repeat(101),
  'x'.repeat(1024),
]

const clock = { monotonic: () => 1000 }
const value = fc.oneof(fc.constantFrom(...VALUES), fc.string({ unit: 'binary', maxLength: 6 }))
const key = fc.record({ kind: fc.constantFrom(...BLOCK_KINDS), issuer: fc.constantFrom(...ISSUERS), value })
const second = fc.integer({ min: 0, max: 20 })
const entry: fc.Arbitrary<BlockEntry> = fc
  .tuple(key, second, second, second, fc.constantFrom(...BLOCK_REASONS))
  .map(([names, overlapSec, untilSec, before, reason]) => ({
    ...names,
    // As the list takes it: none but for what was renewed. The clock of these tests stands still.
    overlapSec: reason === 'renewed' ? overlapSec : 0,
    untilSec,
    issuedBeforeSec: names.kind === 'sub' ? before : undefined,
    reason,
  }))
const maybe = <Value>(some: fc.Arbitrary<Value>) => fc.option(some, { nil: undefined })
const caller: fc.Arbitrary<AuthResult> = fc
  .record({
    issuerId: fc.constantFrom(...ISSUERS, 'c'),
    tokenId: value,
    jti: maybe(value),
    originJti: maybe(value),
    sid: maybe(value),
    subject: maybe(value),
    renewedFrom: maybe(value),
    firstIssuedAtSec: maybe(second),
  })
  // No token is its own predecessor.
  .filter(({ tokenId, renewedFrom }) => tokenId !== renewedFrom)
  .map((facts) => ({ ...anonymousResult({ headerValue: undefined, claimValues: [] }), ...facts, authenticated: true }))

type Step =
  | { readonly do: 'add'; readonly entry: BlockEntry }
  | { readonly do: 'remove'; readonly entry: BlockEntry }
  | { readonly do: 'sweep'; readonly nowSec: number }
  | { readonly do: 'ask'; readonly caller: AuthResult; readonly nowSec: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: entry.map((one) => ({ do: 'add' as const, entry: one })) },
  { weight: 1, arbitrary: entry.map((one) => ({ do: 'remove' as const, entry: one })) },
  { weight: 1, arbitrary: second.map((nowSec) => ({ do: 'sweep' as const, nowSec })) },
  {
    weight: 4,
    arbitrary: fc.tuple(caller, second).map(([one, nowSec]) => ({ do: 'ask' as const, caller: one, nowSec })),
  },
)

/** The same rules over a Map, as plainly as they can be written. */
function createModel() {
  const entries = new Map<string, BlockEntry>()
  const nameOf = ({ kind, issuer, value: text }: Pick<BlockEntry, 'kind' | 'issuer' | 'value'>) =>
    JSON.stringify([kind, issuer, text])
  return {
    entries,
    add(one: BlockEntry) {
      const known = entries.get(nameOf(one))
      entries.set(nameOf(one), known === undefined ? one : mergeEntries(known, one))
    },
    remove: (one: BlockEntry) => entries.delete(nameOf(one)),
    sweep(nowSec: number) {
      for (const [name, { untilSec }] of entries) if (untilSec <= nowSec) entries.delete(name)
    },
    reasons(who: AuthResult, nowSec: number): string[] {
      const asked: (readonly ['token' | 'jti' | 'sid' | 'sub', string | undefined, boolean])[] = [
        ['token', who.tokenId, false],
        ['token', who.renewedFrom, true],
        ['jti', who.jti, false],
        ['jti', who.originJti, false],
        ['sid', who.sid ?? who.tokenId, false],
        ['sub', who.subject, false],
      ]
      return asked.flatMap(([kind, text, isPredecessor]) => {
        const one = text === undefined ? undefined : entries.get(nameOf({ kind, issuer: who.issuerId, value: text }))
        if (one === undefined || one.overlapSec > 0 || nowSec >= one.untilSec) return []
        if (isPredecessor && one.reason === 'renewed') return []
        if (kind === 'sub' && who.firstIssuedAtSec !== undefined && who.firstIssuedAtSec >= (one.issuedBeforeSec ?? 0))
          return []
        return [one.reason]
      })
    },
  }
}

t.test('whatever comes and goes, the list says what a plain Map would say', async (t) => {
  // A hash that puts everything into four places, too: only comparing the texts tells entries apart then.
  const plain = createPacker(1024)
  const badly: Packer = (text, facts, isDigest) => ({ ...plain(text, facts, isDigest), hash: facts % 4 })
  for (const pack of [undefined, badly]) {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const list = createBlockList(pack === undefined ? { clock } : { clock, pack })
        const model = createModel()
        for (const one of steps) {
          if (one.do === 'add') {
            list.add(one.entry)
            model.add(one.entry)
          } else if (one.do === 'remove') {
            if ((list.remove(one.entry) !== undefined) !== model.remove(one.entry)) return false
          } else if (one.do === 'sweep') {
            list.sweep(one.nowSec, () => false)
            model.sweep(one.nowSec)
          } else {
            const reasons = model.reasons(one.caller, one.nowSec)
            const found = list.find(one.caller, one.nowSec)
            if ((found !== undefined) !== reasons.length > 0) return false
            // A milder reason is told only where there is no graver one.
            if (found?.reason === 'renewed' && reasons.some((reason) => reason !== 'renewed')) return false
          }
          if (list.size !== model.entries.size) return false
        }
        const listed = list.page(0, Infinity).entries
        return (
          listed.length === model.entries.size &&
          [...model.entries.values()].every((one) => list.get(one) !== undefined)
        )
      }),
      { numRuns: 1500 },
    )
    t.pass(pack === undefined ? 'with its own hash' : 'with a bad hash')
  }
})

t.test(
  'the ids of tokens are spread evenly over the list, by the upper bits of their hash and by the lower',
  async (t) => {
    const pack = createPacker(1024)
    const upper = new Uint32Array(256)
    const lower = new Uint32Array(256)
    for (let index = 0; index < 25_600; index += 1) {
      const { hash } = pack(digest('sha256', `token ${index}`, 'base64url'), 7, true)
      upper[hash >>> 24] = (upper[hash >>> 24] ?? 0) + 1
      lower[hash & 255] = (lower[hash & 255] ?? 0) + 1
    }
    // A hundred in each, give or take ten: the bounds are seven standard deviations away.
    for (const count of [...upper, ...lower]) if (count < 30 || count > 170) t.fail(`${count} in one of 256 places`)
    t.pass()
  },
)

t.test('a verdict holds exactly as long as it says', async () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), caller, (entries, who) => {
      const list = createBlockList()
      for (const one of entries) list.add(one)
      let verdict = list.check(who, 0)
      for (let nowSec = 0; nowSec <= 21; nowSec += 1) {
        const fresh = list.check(who, nowSec).entry !== undefined
        if (nowSec >= verdict.holdsUntilSec) verdict = list.check(who, nowSec)
        if ((verdict.entry !== undefined) !== fresh) return false
      }
      return true
    }),
    { numRuns: 1000 },
  )
})

t.test('entries merge to the same whatever the order in which they come', async () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 2, maxLength: 5 }), fc.func(fc.integer()), (entries, orderOf) => {
      const same = entries.map((one) => ({
        ...one,
        kind: 'sub' as const,
        issuer: 'b',
        value: 'v',
        issuedBeforeSec: one.untilSec % 7,
      }))
      const [a, b] = [createBlockList({ clock }), createBlockList({ clock })]
      for (const one of same) a.add(one)
      for (const one of same.toSorted((x, y) => orderOf(x) - orderOf(y))) b.add(one)
      return JSON.stringify(a.get(same[0] as BlockEntry)) === JSON.stringify(b.get(same[0] as BlockEntry))
    }),
  )
})

t.test(
  'a page goes on where the one before ended, and a value that is not text in one byte comes back as it was',
  async (t) => {
    const list = createBlockList()
    const values = Array.from({ length: 5000 }, (_, index) => (index % 3 === 0 ? `${index}日本` : `${index}`))
    for (const text of values)
      list.add({
        kind: 'jti',
        issuer: 'b',
        value: text,
        issuedBeforeSec: undefined,
        overlapSec: 0,
        untilSec: 9,
        reason: 'logout',
      })
    const seen: string[] = []
    let place: number | undefined = 0
    while (place !== undefined) {
      const page = list.page(place, 100)
      t.ok(page.entries.length > 0 && page.entries.length <= 110)
      seen.push(...page.entries.map((one) => one.value))
      place = page.next
    }
    t.same(seen.toSorted(), values.toSorted())
  },
)

t.test('RV-6: ended entries vanish part by part, and their memory with them', async (t) => {
  const list = createBlockList()
  for (let index = 0; index < 200_000; index += 1)
    list.add({
      kind: 'jti',
      issuer: 'b',
      value: `${index}`,
      issuedBeforeSec: undefined,
      overlapSec: 0,
      untilSec: index % 20 > 0 ? 10 : 20,
      reason: 'revoked',
    })
  const before = list.bytes
  let turns = 0
  while (list.size > 10_000) {
    let looks = 0
    list.sweep(10, () => (looks += 1) > 25)
    turns += 1
  }
  t.ok(turns > 5, `${turns} turns`)
  t.equal(list.size, 10_000)
  t.ok(list.bytes < before / 8, `${list.bytes} of ${before} bytes`)
})
