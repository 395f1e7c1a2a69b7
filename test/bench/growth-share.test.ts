import t from 'tap'

import { growthShare, lowest } from '../../bench/soak/growth-share.ts'

const points = (values: readonly number[]) => values.map((value, x) => ({ x, value }))

t.test('growth is told from noise: a line, a plateau, a saw', async (t) => {
  t.equal(growthShare(points([100, 100, 100, 100])), 0)
  t.ok(Math.abs(growthShare(points([95, 100, 105])) - 0.1) < 1e-9)
  t.ok(growthShare(points([105, 100, 95])) < 0)
  const saw = Array.from({ length: 60 }, (_, index) => 100 + (index % 6))
  t.ok(Math.abs(growthShare(points(saw))) < 0.02)
  const leak = saw.map((value, index) => value + index)
  t.ok(growthShare(points(leak)) > 0.4)
})

t.test('of a saw that is collected now and then, the lowest points are what counts', async (t) => {
  t.same(lowest(points([5, 3, 9, 4, 8, 7, 1]), 3), [
    { x: 1, value: 3 },
    { x: 3, value: 4 },
  ])
})
