// Formats a problem as text: file:line:column, what is wrong, what to do, and the line with a mark.
import type { Faults } from './load.ts'
import type { Problem } from './problem.ts'
import { counted } from './text/counted.ts'

const MAX_FRAME_WIDTH = 160
// A terminal would obey them instead of showing them.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Formats a problem in one line, without the line of the file. Terminals and editors can open its position. */
export function formatInLine({ severity, file, line, column, path, message, hint, standsAlone }: Problem): string {
  const subject = path === '' || standsAlone ? '' : `${path}: `
  return `${file}:${line}:${column} ${severity}: ${subject}${message}${hint === undefined ? '' : ` (${hint})`}`
}

/** Formats a problem in several lines, without a line break at the end. */
export function formatProblem(problem: Problem): string {
  const { column, line, sourceLine } = problem
  const head = formatInLine(problem)
  if (sourceLine.trim() === '' || column > MAX_FRAME_WIDTH) return head
  const number = String(line).padStart(5)
  const mark = `${' '.repeat(number.length)} | ${sourceLine.slice(0, column - 1).replace(/[^\t]/g, ' ')}^`
  return `${head}\n${number} | ${sourceLine.slice(0, MAX_FRAME_WIDTH).replace(CONTROLS, '\uFFFD')}\n${mark}`
}

/** Formats all errors and warnings of a config that cannot be used, with their counts. */
export function formatFaults(file: string, { errors, warnings }: Faults): string {
  const doubts = warnings.length === 0 ? '' : ` and ${counted(warnings.length, 'warning')}`
  const end = `${file} has ${counted(errors.length, 'error')}${doubts}; nothing was started`
  return [...[...errors, ...warnings].map(formatProblem), end].join('\n')
}
