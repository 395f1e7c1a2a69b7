// Formats what a reload would change as lines for people.
import type { RouteName } from '../../../config/diff/config-diff.ts'
import type { OptionChange } from '../../../config/diff/option-changes.ts'
import type { PartChanges } from '../../../config/diff/part-changes.ts'
import type { ReloadDiff } from '../../reload/diff.ts'

const MOST_NAMES = 10

function valueText(value: unknown): string {
  if (value === undefined) return 'not set'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function changeText({ option, from, to, secret }: OptionChange): string {
  return secret === true ? `${option}: another secret` : `${option}: ${valueText(from)} -> ${valueText(to)}`
}

function routeText({ path, methods = [], hosts = [] }: RouteName): string {
  return [methods.join(','), path, ...(hosts.length === 0 ? [] : [`on ${hosts.join(', ')}`])]
    .filter((part) => part !== '')
    .join(' ')
}

function* partLines<Name>(title: string, parts: PartChanges<Name>, textOf: (name: Name) => string): Generator<string> {
  const { added, removed, changed } = parts
  if (added.length + removed.length + changed.length > 0) yield title
  for (const name of added) yield `  + ${textOf(name)}`
  for (const name of removed) yield `  - ${textOf(name)}`
  for (const part of changed) {
    yield `  ~ ${textOf(part)}`
    for (const change of part.options) yield `      ${changeText(change)}`
  }
}

function namesText(names: readonly string[]): string {
  const more = names.length - MOST_NAMES
  return names.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function* keptLines({ connections, keys, tokens }: ReloadDiff['kept']): Generator<string> {
  const kept = [
    ['connections of upstreams', connections],
    ['keys of issuers', keys],
    ['known tokens of issuers', tokens],
  ] as const
  yield 'kept'
  for (const [what, names] of kept) yield `  ${what}: ${names.length === 0 ? 'none' : namesText(names)}`
}

function* restartLines(needsRestart: ReloadDiff['needsRestart']): Generator<string> {
  if (needsRestart.length > 0) yield 'not by a reload'
  for (const { option, why, by, changes } of needsRestart) {
    yield `  ~ ${option} needs a ${by === 'restart' ? 'restart' : '`tollgate reload --restart`'}: ${why}`
    for (const change of changes) yield `      ${changeText(change)}`
  }
}

export function* diffLines(diff: ReloadDiff): Generator<string> {
  const { routes, upstreams, issuers, listeners, options, files, needsRestart, kept, warnings } = diff
  yield* warnings
  if (!diff.differs) {
    yield 'a reload would change nothing'
    return
  }
  yield* partLines('listeners', listeners, ({ address }) => address)
  yield* partLines('routes', routes, routeText)
  yield* partLines('upstreams', upstreams, ({ name }) => name)
  yield* partLines('issuers', issuers, ({ name }) => name)
  if (options.length > 0) yield 'options'
  for (const change of options) yield `  ~ ${changeText(change)}`
  if (files.length > 0) yield 'files written since, to be read again'
  for (const file of files) yield `  ~ ${file}`
  yield* restartLines(needsRestart)
  yield* keptLines(kept)
}
