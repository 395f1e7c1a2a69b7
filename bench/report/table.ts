// A table for the screen: text to the left, numbers to the right.

export type Cell = string | number

function text(cell: Cell): string {
  if (typeof cell === 'string') return cell
  return cell >= 100 ? cell.toFixed(0) : cell.toFixed(2)
}

export function formatTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => text(row[column] ?? '').length)))
  const line = (row: readonly Cell[]) =>
    row
      .map((cell, column) =>
        typeof cell === 'string' ? text(cell).padEnd(widths[column] ?? 0) : text(cell).padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
