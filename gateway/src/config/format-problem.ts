// A problem as text: file:line:column, what is wrong, what to do, and the line with a mark under the place.
import type { Problem } from './problem.ts'

const MAX_FRAME_WIDTH = 160

/** Several lines, without one at the end. Clickable in terminals and editors. */
export function formatProblem({ severity, file, line, column, path, message, hint, sourceLine }: Problem): string {
  const head = `${file}:${line}:${column} ${severity}: ${path === '' ? '' : `${path}: `}${message}${hint === undefined ? '' : ` (${hint})`}`
  if (sourceLine.trim() === '' || column > MAX_FRAME_WIDTH) return head
  const number = String(line).padStart(5)
  const mark = `${' '.repeat(number.length)} | ${sourceLine.slice(0, column - 1).replace(/[^\t]/g, ' ')}^`
  return `${head}\n${number} | ${sourceLine.slice(0, MAX_FRAME_WIDTH)}\n${mark}`
}
