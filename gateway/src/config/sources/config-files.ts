// Opens a config file and the files that it includes, as if all were one.
import type { Document } from 'yaml'

import { entries, isOptions, options, type Loose } from '../checks/loose.ts'
import { includedPaths } from './included-paths.ts'
import type { Finding, Path, Problem } from '../problem.ts'
import { openSourceFile, type SourceFile, type SourceFileParts } from './source-file.ts'

/** What included files may hold: what is listed, or has a name. */
const LISTS = ['issuers', 'routes'] as const
const NAMED = ['upstreams'] as const
const INCLUDABLE: readonly string[] = [...LISTS, ...NAMED]

/** Top-level keys with this beginning hold anchors, as in Compose files, and are no options. */
const EXTENSION = /^x-/

/** One file of a config, and how many members of each list stand in the files before it. */
interface Part {
  readonly source: SourceFile
  readonly before: Readonly<Record<string, number>>
  readonly values: Loose
}

export interface ConfigFiles {
  /** Problems of what is included. */
  readonly findings: readonly Finding[]
  /** Calls `change` with each document. Returns what it finds, with paths of the whole. */
  inEach(change: (document: Document) => readonly Finding[]): readonly Finding[]
  /** Returns the plain value of all documents together, in their current state. */
  toValue(): unknown
  /** Adds file and position to a finding whose path is that of the whole. */
  locate(finding: Finding): Problem
}

/** Opens all files. Returns the problems of each file that cannot be read or parsed, or that may not be included. */
export function openConfigFiles(file: string, parts: SourceFileParts): ConfigFiles | readonly Problem[] {
  const main = openSourceFile(file, parts)
  if (!isSource(main)) return main
  const { paths, findings } = includedPaths(options(main.toValue())['include'], file)
  const opened = paths.map((path) => openSourceFile(path, parts))
  const faults = opened.flatMap((each) => (isSource(each) ? [] : each))
  const included = opened.filter(isSource)
  const wrong = [...faults, ...included.flatMap(foreignKeys), ...namedTwice([main, ...included])]
  return wrong.length > 0
    ? [...findings.map((finding) => main.locate(finding)), ...wrong]
    : asOne([main, ...included], findings)
}

function isSource(opened: SourceFile | readonly Problem[]): opened is SourceFile {
  return 'document' in opened
}

function foreignKeys(source: SourceFile): readonly Problem[] {
  return Object.keys(options(source.toValue()))
    .filter((name) => !INCLUDABLE.includes(name) && !EXTENSION.test(name))
    .map((name) => {
      const hint = `an included file holds ${INCLUDABLE.join(', ')}; all else stands in the file that includes it`
      return source.locate({
        path: [name],
        atKey: true,
        standsAlone: true,
        message: `${name} cannot be included`,
        hint,
      })
    })
}

function namedTwice(sources: readonly SourceFile[]): readonly Problem[] {
  const first = new Map<string, Problem>()
  return sources.flatMap((source) =>
    NAMED.flatMap((name) =>
      Object.keys(options(options(source.toValue())[name])).map((member) => [name, member]),
    ).flatMap((path) => {
      const place = source.locate({ path, atKey: true, message: 'is there twice' })
      const before = first.get(place.path)
      if (before === undefined) first.set(place.path, place)
      return before === undefined ? [] : [{ ...place, hint: `the first is ${before.file}:${before.line}` }]
    }),
  )
}

function withoutExtensions(value: unknown): Loose {
  return Object.fromEntries(Object.entries(options(value)).filter(([name]) => !EXTENSION.test(name)))
}

/** Lists one after the other, names side by side. What the main file holds in another shape is left to the schema. */
function joinValues([main = {}, ...included]: readonly Loose[]): Loose {
  const lists = LISTS.map((name) => [name, [main, ...included].flatMap((values) => entries(values[name]))] as const)
  const named = NAMED.map(
    (name) => [name, Object.assign({}, ...[main, ...included].map((values) => options(values[name])))] as const,
  )
  const isAbsent = (name: string) => [main, ...included].every((values) => values[name] === undefined)
  const isOther = (name: string) =>
    main[name] !== undefined &&
    (LISTS.some((list) => list === name) ? !Array.isArray(main[name]) : !isOptions(main[name]))
  const whole = Object.fromEntries([...lists, ...named].filter(([name]) => !isAbsent(name) && !isOther(name)))
  return { ...main, ...whole }
}

function partsOf(sources: readonly SourceFile[]): readonly Part[] {
  const count: Record<string, number> = Object.fromEntries(LISTS.map((name) => [name, 0]))
  return sources.map((source) => {
    const values = options(source.toValue())
    const before = { ...count }
    for (const name of LISTS) count[name] = (count[name] ?? 0) + entries(values[name]).length
    return { source, before, values }
  })
}

function asOne(sources: readonly SourceFile[], findings: readonly Finding[]): ConfigFiles {
  const parts = partsOf(sources)
  const [main] = parts as [Part, ...Part[]]

  function ownerOf([name = '', member]: Path): Part {
    const owner = parts.findLast(({ before, values }) =>
      typeof member === 'number'
        ? (before[name] ?? Infinity) <= member
        : member !== undefined && Object.hasOwn(options(values[name]), member),
    )
    return owner ?? main
  }

  return {
    findings,
    inEach: (change) =>
      parts.flatMap(({ source, before }) =>
        change(source.document).map((finding) => ({ ...finding, path: moved(finding.path, before, 1) })),
      ),
    toValue: () => joinValues(sources.map((source) => withoutExtensions(source.toValue()))),
    locate(finding) {
      const { source, before } = ownerOf(finding.path)
      return source.locate({ ...finding, path: moved(finding.path, before, -1) })
    },
  }
}

/** The path in the whole of one in a file (`sign` 1), or the other way (-1). */
function moved([name, member, ...rest]: Path, before: Part['before'], sign: 1 | -1): Path {
  if (name === undefined || member === undefined) return name === undefined ? [] : [name]
  return [name, typeof member === 'number' ? member + sign * (before[name] ?? 0) : member, ...rest]
}
