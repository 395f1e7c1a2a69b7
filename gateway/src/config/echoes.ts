// Reports each mistake once: removes problems that repeat another one or follow from it.
import { pathText, type Finding, type Problem } from './problem.ts'

/** Sorts problems by file, main file first, and line. Removes duplicates: an error in an aliased value is reported once. */
export function inOrder(problems: readonly Problem[], mainFile: string): readonly Problem[] {
  const seen = new Set<string>()
  return problems
    .toSorted((a, b) => byFile(a, b, mainFile) || a.line - b.line || a.column - b.column)
    .filter(({ file, line, column, message }) => {
      const key = JSON.stringify([file, line, column, message])
      return !seen.has(key) && seen.add(key)
    })
}

function byFile(a: Problem, b: Problem, mainFile: string): number {
  if (a.file === b.file) return 0
  return a.file === mainFile || (b.file !== mainFile && a.file < b.file) ? -1 : 1
}

/** Removes other errors of a value that could not be substituted, and vague errors beside a specific one. */
export function withoutEchoes(unset: readonly Finding[], others: readonly Finding[]): readonly Finding[] {
  const settled = new Set(unset.map(({ path }) => pathText(path)))
  const particular = new Set(others.filter(({ vague }) => vague !== true).map(({ path }) => pathText(path)))
  const left = others.filter(({ path, vague }) => {
    const place = pathText(path)
    if (settled.has(place) || (vague === true && particular.has(place))) return false
    if (vague === true) particular.add(place)
    return true
  })
  return [...unset, ...left]
}

/** The paths with an error at them or below. Looked up for each warning: there may be thousands of both. */
function pathsOver(errors: readonly Finding[]): ReadonlySet<string> {
  const over = new Set<string>()
  for (const { path } of errors) for (let end = 0; end <= path.length; end += 1) over.add(pathText(path.slice(0, end)))
  return over
}

/**
 * Removes warnings that an error explains: at the same path, about a missing key beside a misspelt one, or about an unused name
 * while the options that may use it have errors.
 */
export function withoutFollowUps(findings: readonly Finding[]): readonly Finding[] {
  const errors = findings.filter(({ severity = 'error' }) => severity === 'error')
  const explained = new Set(errors.map(({ path }) => pathText(path)))
  for (const { path, unknownKey } of errors) if (unknownKey === true) explained.add(pathText(path.slice(0, -1)))
  const faulty = pathsOver(errors)
  return findings.filter(
    ({ severity, path, presumes }) =>
      severity !== 'warning' ||
      !(explained.has(pathText(path)) || (presumes !== undefined && faulty.has(pathText(presumes)))),
  )
}
