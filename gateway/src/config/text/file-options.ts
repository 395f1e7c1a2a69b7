// Options that name files: relative to the config file, and there when the gateway starts.
import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { valueAt } from '../checks/loose.ts'
import type { Finding } from '../problem.ts'
import { readFault } from './read-file.ts'
import { eachOption, type SchemaNode } from '../schema/schema-walk.ts'

function faultOf(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK)
    return statSync(file).isDirectory() ? 'this is a directory' : undefined
  } catch (error) {
    return readFault(error)
  }
}

/** One that is not there is made at the start. */
function folderFaultOf(folder: string): string | undefined {
  try {
    return statSync(folder).isDirectory() ? undefined : 'this is no folder'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    return code === 'ENOTDIR' ? 'lies in a file' : readFault(error)
  }
}

/** Makes the paths absolute, in place; tells which files are missing. Folders may be made later. */
export function resolveFiles(schema: SchemaNode, config: unknown, configFile: string): readonly Finding[] {
  const findings: Finding[] = []
  eachOption(schema, config, ({ format }, path) => {
    const key = path.at(-1)
    const holder = valueAt(config, path.slice(0, -1)) as Record<string | number, unknown>
    const name = key === undefined ? undefined : holder[key]
    if ((format !== 'file-path' && format !== 'folder-path') || key === undefined || typeof name !== 'string') return
    const file = resolve(dirname(configFile), name)
    holder[key] = file
    const message = format === 'folder-path' ? folderFaultOf(file) : faultOf(file)
    if (message !== undefined) findings.push({ path, message, hint: 'paths are relative to the config file' })
  })
  return findings
}
