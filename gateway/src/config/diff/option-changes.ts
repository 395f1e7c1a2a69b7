// Finds the options that differ between two loaded values; a secret that differs is named, and its values are not told.
import { isDeepStrictEqual } from 'node:util'

import { pathText, type Path } from '../problem.ts'
import { shown, type Shape } from '../shown-config.ts'

/** `from` and `to` are formatted as in the file; one is missing where the option is. */
export interface OptionChange {
  /** Its path, such as `timeouts.headers`; that of a list as a whole, unless options in its members differ. */
  readonly option: string
  readonly from?: unknown
  readonly to?: unknown
  /** It differs in what is not to be told. */
  readonly secret?: true
}

type Part = Readonly<Record<string, unknown>>

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOfParts(value: unknown): value is readonly Part[] {
  return Array.isArray(value) && value.every(isPart)
}

function changeOf(shape: Shape, [before, after]: readonly [unknown, unknown], path: Path): OptionChange {
  const option = pathText(path)
  const [from, to] = [before, after].map((value) => (value === undefined ? undefined : shown(shape, value)))
  if (isDeepStrictEqual(from, to)) return { option, secret: true }
  return { option, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

/** Compares the values themselves, not what is shown of them: a secret that is another one is a change. */
export function optionChanges(shape: Shape, before: unknown, after: unknown, path: Path = []): readonly OptionChange[] {
  if (isDeepStrictEqual(before, after)) return []
  if (shape.isHidden) return [changeOf(shape, [before, after], path)]
  if (isPart(before) && isPart(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      optionChanges(shape.member(key), before[key], after[key], [...path, key]),
    )
  // Of another length there is no telling which member is which.
  if (isListOfParts(before) && isListOfParts(after) && before.length === after.length)
    return before.flatMap((member, index) => optionChanges(shape.member(index), member, after[index], [...path, index]))
  return [changeOf(shape, [before, after], path)]
}
