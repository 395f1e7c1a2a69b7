// npm run bench:shapes: everything a gateway meets beside small requests with known tokens, one shape after the other.
import { growth } from './growth.ts'
import { idle } from './idle.ts'
import { kinds } from './kinds.ts'
import { mixed } from './mixed.ts'
import { payloads } from './payloads.ts'
import type { Shape, ShapeResult } from './shape.ts'
import { websockets } from './websockets.ts'
import { workers } from './workers.ts'
import { startBackend } from '../harness/backend.ts'
import { requireTools } from '../harness/installed.ts'
import type { Settings } from '../harness/rounds.ts'
import { barChart } from '../report/chart.ts'
import { lineChart } from '../report/line-chart.ts'
import { describeMachine, machineText } from '../report/machine.ts'
import { budgetText, writeResult } from '../report/results.ts'
import { formatTable } from '../report/table.ts'

const shapes: readonly Shape[] = [kinds, payloads, mixed, idle, websockets, growth, workers]

function resultText({ title, head, rows, budgets, notes = [] }: ShapeResult): string {
  return ['', title, '', formatTable(head, rows), '', ...notes, ...budgets.map(budgetText), ''].join('\n')
}

/** Each shape writes its own files, so that one can be measured again without the others. A shape that fails is named at the end. */
export async function benchShapes(settings: Settings, names: readonly string[]): Promise<void> {
  requireTools()
  const known = shapes.map(({ name }) => name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`no shape is called ${unknown.join(', ')}: ${known.join(', ')}`)
  const backend = await startBackend()
  const machine = describeMachine(['nginx', 'wrk'])
  const note = `${machine.date}, ${machine.cpu}, Node ${machine.node}; medians of ${settings.rounds} rounds in turn`
  const failures: string[] = []
  for (const { name, measure } of shapes.filter((shape) => names.length === 0 || names.includes(shape.name))) {
    const write = (kind: string, text: string) => {
      writeResult(`shape-${name}.${kind}`, text, settings.quick)
    }
    try {
      const results = await measure(backend, settings)
      process.stdout.write(`${results.map(resultText).join('')}`)
      write('json', `${JSON.stringify({ machine, settings, results }, null, 2)}\n`)
      const bars = results.flatMap((result) => result.bars ?? [])
      const lines = results.flatMap((result) => result.lines ?? [])
      if (bars.length > 0)
        writeResult(
          `shape-${name}.svg`,
          barChart('CPU microseconds for one request (less is better)', 'us', note, bars),
        )
      if (lines.length > 0) write('svg', lineChart('CPU microseconds for one request, as it grows', note, lines))
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`)
    }
  }
  await backend.stop()
  process.stdout.write(`\n${machineText(machine)}\n`)
  if (failures.length > 0) throw new Error(`not measured: ${failures.join('; ')}`)
}
