// Resolves options that name files: makes paths absolute, relative to the config file, and checks that the files exist.
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { valueAt } from '../checks/loose.ts'
import type { Finding } from '../problem.ts'
import { MAX_FILE_BYTES, readFault } from '../../options/files/read-file.ts'
import { eachOption, type SchemaNode } from '../schema/schema-walk.ts'

function faultOf(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK)
    const stat = statSync(file)
    if (stat.isDirectory()) return 'this is a directory'
    // A pipe can be read only once, and a pipe without a writer never ends.
    if (!stat.isFile()) return 'this is a pipe or a device, and no file'
    return stat.size > MAX_FILE_BYTES
      ? `the file has ${stat.size} bytes, at most ${MAX_FILE_BYTES} are read`
      : undefined
  } catch (error) {
    return readFault(error)
  }
}

function isUsable(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Checks the nearest existing parent, because a missing folder is created at the start. */
function folderFaultOf(folder: string): string | undefined {
  try {
    if (!statSync(folder).isDirectory()) return 'this is no folder'
    return isUsable(folder) ? undefined : 'the folder may not be written'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTDIR') return 'lies in a file'
    if (code !== 'ENOENT' || dirname(folder) === folder) return readFault(error)
    const fault = folderFaultOf(dirname(folder))
    return fault === 'the folder may not be written' ? 'cannot be made: the folder around it may not be written' : fault
  }
}

const FORMATS: Readonly<Record<string, (file: string) => string | undefined>> = {
  'file-path': faultOf,
  'folder-path': folderFaultOf,
  'socket-path': (socket) => (existsSync(dirname(socket)) ? folderFaultOf(dirname(socket)) : 'its folder is not there'),
}

/** Makes paths absolute, in place, and reports missing files. Folders may be created later. */
export function resolveFiles(schema: SchemaNode, config: unknown, configFile: string): readonly Finding[] {
  const findings: Finding[] = []
  eachOption(schema, config, ({ format = '' }, path) => {
    const key = path.at(-1)
    const holder = valueAt(config, path.slice(0, -1)) as Record<string | number, unknown>
    const name = key === undefined ? undefined : holder[key]
    const fault = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
    if (fault === undefined || key === undefined || typeof name !== 'string') return
    const file = resolve(dirname(configFile), name)
    holder[key] = file
    const message = fault(file)
    if (message !== undefined) findings.push({ path, message, hint: 'paths are relative to the config file' })
  })
  return findings
}
