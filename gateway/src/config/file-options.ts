// Options that name files: relative to the config file, and there when the gateway starts.
import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { entries, options } from './loose.ts'
import type { Finding, Path } from './problem.ts'

interface FileOption {
  readonly holder: Record<string, unknown>
  readonly key: string
  readonly path: Path
}

function fileOptions(config: unknown): readonly FileOption[] {
  const { listen, issuers, upstreams } = options(config)
  const found: FileOption[] = []
  const add = (holder: unknown, path: Path, keys: readonly string[]) => {
    for (const key of keys) found.push({ holder: options(holder), key, path: [...path, key] })
  }
  add(options(listen)['tls'], ['listen', 'tls'], ['cert', 'key'])
  entries(issuers).forEach((issuer, index) => {
    add(options(issuer)['keys'], ['issuers', index, 'keys'], ['jwksFile', 'pemFile'])
  })
  for (const [name, upstream] of Object.entries(options(upstreams)))
    add(options(upstream)['tls'], ['upstreams', name, 'tls'], ['ca'])
  return found
}

function isReadableFile(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** Makes the paths absolute, in place; tells which files are missing. */
export function resolveFiles(config: unknown, configFile: string): readonly Finding[] {
  return fileOptions(config).flatMap(({ holder, key, path }) => {
    const name = holder[key]
    if (typeof name !== 'string') return []
    const file = resolve(dirname(configFile), name)
    holder[key] = file
    return isReadableFile(file)
      ? []
      : [
          {
            path,
            message: 'there is no such file, or it may not be read',
            hint: 'paths are relative to the config file',
          },
        ]
  })
}
