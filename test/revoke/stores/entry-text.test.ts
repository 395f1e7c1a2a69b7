// What stores and other systems write, and what a gateway takes it for. Forms: docs/revocation.md, decision 0034.
import t from 'tap'

import type { BlockEntry } from '../../../gateway/src/revoke/block-list.ts'
import { contentOf, readStored } from '../../../gateway/src/revoke/stores/entry-text.ts'

const NOW = 1_900_000_000
const NAME = 'jti https://a.example.com/ j1'
const news = { nowSec: NOW, isNews: true }
const later = { nowSec: NOW, isNews: false }

const retired: BlockEntry = {
  kind: 'jti',
  issuer: 'https://a.example.com/',
  value: 'j1',
  issuedBeforeSec: undefined,
  overlapSec: 10,
  untilSec: NOW + 300,
  reason: 'renewed',
}

t.test('what is stored is in force, whatever beginning it names; only a retirement has an overlap left', async (t) => {
  const until = NOW + 300
  const cases: [title: string, content: object, time: typeof news, overlapSec: number][] = [
    ['the least that is needed', { until }, news, 0],
    ['a beginning that another system wrote', { until, from: NOW }, news, 0],
    ['one by a clock that is ahead', { until, from: NOW + 60 }, news, 0],
    ['the same, of a log-out', { until, from: NOW + 60, reason: 'logout' }, later, 0],
    ['an overlap of what was revoked', { until, overlap: 60, at: NOW, reason: 'revoked' }, news, 0],
    ['a retirement', { until, overlap: 10, at: NOW, reason: 'renewed' }, news, 10],
    ['by a clock of the store that was put back', { until, overlap: 10, at: NOW + 99, reason: 'renewed' }, news, 10],
    [
      'one that was found when it was four seconds old',
      { until, overlap: 10, at: NOW - 4, reason: 'renewed' },
      later,
      6,
    ],
    ['one that was found when it was over', { until, overlap: 10, at: NOW - 4000, reason: 'renewed' }, later, 0],
    [
      'one of the future is no longer than its length',
      { until, overlap: 10, at: NOW + 99, reason: 'renewed' },
      later,
      10,
    ],
    ['one of a gateway before 2026-12', { until, from: NOW + 8, reason: 'renewed' }, news, 8],
    ['the same, over', { until, from: NOW - 8, reason: 'renewed' }, later, 0],
    ['an overlap that is none', { until, overlap: 'soon', reason: 'renewed' }, news, 0],
  ]
  for (const [title, content, time, overlapSec] of cases)
    t.match(
      readStored(NAME, JSON.stringify(content), time),
      { removed: false, entry: { untilSec: until, overlapSec } },
      title,
    )
})

t.test('what was written is read as it was, but for the part of the overlap that is over', async (t) => {
  t.same(readStored(NAME, contentOf(retired, NOW - 3), later)?.entry, { ...retired, overlapSec: 7 })
  const revoked: BlockEntry = { ...retired, overlapSec: 0, reason: 'revoked' }
  t.equal(contentOf(revoked, NOW), `{"until":${NOW + 300},"reason":"revoked"}`, 'and a revocation tells no beginning')
  t.same(readStored(NAME, contentOf(revoked, NOW), later)?.entry, revoked)
})

t.test(
  'a gateway before 2026-12 finds an overlap in what is written: it reads `from`, and refuses before none',
  (t) => {
    for (const [at, from] of [
      [NOW, NOW + 10],
      [NOW + 0.4, NOW + 11],
    ] as const)
      t.match(JSON.parse(contentOf(retired, at)), { overlap: 10, at, from })
    t.notMatch(JSON.parse(contentOf({ ...retired, overlapSec: 0 }, NOW)), { from: Number })
    t.end()
  },
)
