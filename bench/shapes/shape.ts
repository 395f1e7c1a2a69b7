// What a shape is: a question to the gateway that is measured by itself, and the answer in rows, budgets and charts.
import type { Settings } from '../harness/rounds.ts'
import type { Server } from '../harness/server.ts'
import type { BarGroup } from '../report/chart.ts'
import type { LinePanel } from '../report/line-chart.ts'
import type { Budget } from '../report/results.ts'
import type { Cell } from '../report/table.ts'

export interface ShapeResult {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  readonly budgets: readonly Budget[]
  /** What a reader must know to judge the figures. */
  readonly notes?: readonly string[]
  readonly bars?: readonly BarGroup[]
  readonly lines?: readonly LinePanel[]
}

export interface Shape {
  readonly name: string
  /** Runs against an upstream that is there already; stops what it started. */
  readonly measure: (backend: Server, settings: Settings) => Promise<readonly ShapeResult[]>
}
