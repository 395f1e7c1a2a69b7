// Counts of routes: each in its own row, whatever was counted first and elsewhere.
import fc from 'fast-check'
import t from 'tap'

import { DURATION_BUCKETS_SEC, RouteTallies } from '../../../gateway/src/observe/metrics/route-tally.ts'

t.test('counts of several routes do not mix, in whatever order they come', (t) => {
  const event = fc.record({
    route: fc.constantFrom('/a', '/b', '/c'),
    status: fc.constantFrom(101, 200, 204, 401, 499, 503),
    decision: fc.constantFrom('accepted', 'anonymous', 'token_expired'),
    enforced: fc.boolean(),
    milliseconds: fc.nat(12_000),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const tallies = new RouteTallies('on')
      for (const { route, status, decision, enforced, milliseconds } of events) {
        const tally = tallies.of(route)
        tally.countDecision(decision, enforced)
        tally.countRequest(status, milliseconds / 1000)
      }
      for (const tally of tallies.all()) {
        const own = events.filter(({ route }) => route === tally.route)
        const countsOf = (labels: readonly (number | string)[]): Record<string, number> => {
          const counts = new Map<number | string, number>()
          for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
          return Object.fromEntries(counts)
        }
        t.same(Object.fromEntries(tally.byStatus), countsOf(own.map(({ status }) => status)))
        const decisions = (wanted: boolean) =>
          countsOf(own.filter(({ enforced }) => enforced === wanted).map(({ decision }) => decision))
        t.same(Object.fromEntries(tally.decisions), decisions(true))
        t.same(Object.fromEntries(tally.reported), decisions(false))
        const sum = own.reduce((seconds, { milliseconds }) => seconds + milliseconds / 1000, 0)
        t.ok(Math.abs(tally.durationSum - sum) < 1e-6)
        const bounds = [...DURATION_BUCKETS_SEC, Infinity]
        t.same(
          tally.durations,
          bounds.map((bound, index) => {
            const above = bounds[index - 1] ?? -1
            return own.filter(({ milliseconds }) => milliseconds / 1000 <= bound && milliseconds / 1000 > above).length
          }),
        )
      }
    }),
    { numRuns: 100 },
  )
  t.end()
})

t.test('routes that share a path share a tally', (t) => {
  const tallies = new RouteTallies('on')
  t.equal(tallies.of('/a'), tallies.of('/a'))
  t.not(tallies.of('/a'), tallies.of('/b'))
  t.same(
    [...tallies.all()].map(({ route }) => route),
    ['/a', '/b'],
  )
  t.end()
})

t.test('without metrics of requests nothing is counted', (t) => {
  const tally = new RouteTallies('off').of('/a')
  tally.countDecision('accepted', true)
  tally.countRequest(200, 0.1)
  t.same([tally.byStatus.size, tally.decisions.size, tally.durationSum], [0, 0, 0])
  t.end()
})
