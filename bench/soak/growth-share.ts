// How much a figure grows: the straight line through its samples, as a share of where it stands.

export interface Point {
  readonly x: number
  readonly value: number
}

/** The change from the first to the last point along the line of least squares, divided by the mean. 0.05: it grew by 5 %. */
export function growthShare(points: readonly Point[]): number {
  const mean = (pick: (point: Point) => number) => points.reduce((sum, one) => sum + pick(one), 0) / points.length
  const [meanX, meanValue] = [mean(({ x }) => x), mean(({ value }) => value)]
  const covariance = mean(({ x, value }) => (x - meanX) * (value - meanValue))
  const slope = covariance / mean(({ x }) => (x - meanX) ** 2)
  const [first, last] = [points[0]?.x ?? Number.NaN, points.at(-1)?.x ?? Number.NaN]
  return (slope * (last - first)) / meanValue
}

/** The lowest point of each so many in a row: of a heap that is a saw between collections, what is really in use. */
export function lowest(points: readonly Point[], ofEach: number): readonly Point[] {
  const groups = Array.from({ length: Math.floor(points.length / ofEach) }, (_, index) =>
    points.slice(index * ofEach, (index + 1) * ofEach),
  )
  return groups.map((group) => group.reduce((low, point) => (point.value < low.value ? point : low)))
}
