// Finds the files that options of a config name.
import { valueAt } from '../../config/checks/loose.ts'
import { asNode, eachOption } from '../../config/schema/schema-walk.ts'
import type { Path } from '../../config/problem.ts'
import { ConfigOptions, type Config } from '../../options/config.ts'

export interface NamedFile {
  readonly file: string
  readonly path: Path
  /** Whether its holder reads it again by itself when it changes (gateway/watch). */
  readonly isReadInPlace: boolean
}

function isReadInPlace([key, , part, option]: Path): boolean {
  return key === 'listen' || (key === 'issuers' && part === 'keys' && (option === 'jwksFile' || option === 'pemFile'))
}

export function namedFiles(config: Config): readonly NamedFile[] {
  const files: NamedFile[] = []
  eachOption(asNode(ConfigOptions), config, ({ format }, path) => {
    const file = format === 'file-path' ? valueAt(config, path) : undefined
    if (typeof file === 'string') files.push({ file, path, isReadInPlace: isReadInPlace(path) })
  })
  return files
}
