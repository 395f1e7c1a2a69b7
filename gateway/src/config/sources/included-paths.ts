// Finds the files that a config includes.
import { readdirSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, normalize } from 'node:path'

import { texts } from '../checks/loose.ts'
import type { Finding, Path } from '../problem.ts'
import { readFault } from '../../options/files/read-file.ts'

const MAX_INCLUDED_FILES = 1000

/** `pattern`: a path relative to `folder`, with at most one `*`, for any text in its last part. */
function matching(pattern: string, folder: string): readonly string[] {
  const path = isAbsolute(pattern) ? pattern : join(folder, pattern)
  const [start = '', end] = basename(path).split('*')
  if (end === undefined) return [path]
  return readdirSync(dirname(path))
    .filter((name) => name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end))
    .filter((name) => !name.startsWith('.'))
    .sort()
    .map((name) => join(dirname(path), name))
}

/** Returns the files that `include` of the config file `file` names, in order, and what is wrong with its patterns. */
export function includedPaths(
  include: unknown,
  file: string,
): { paths: readonly string[]; findings: readonly Finding[] } {
  const isList = Array.isArray(include)
  const findings: Finding[] = []
  const paths = texts([include].flat()).flatMap((pattern, index) => {
    const path: Path = isList ? ['include', index] : ['include']
    const fault = patternFault(pattern)
    if (fault !== undefined) {
      findings.push({ path, ...fault })
      return []
    }
    try {
      const found = matching(pattern, dirname(file))
      if (found.length === 0) findings.push({ severity: 'warning', path, message: 'no file has such a name' })
      return found
    } catch (error) {
      findings.push({ path, message: readFault(error).replace('file', 'folder') })
      return []
    }
  })
  const others = [...new Set(paths)].filter((path) => path !== normalize(file))
  if (others.length > MAX_INCLUDED_FILES)
    findings.push({ path: ['include'], message: `names ${others.length} files, allowed are ${MAX_INCLUDED_FILES}` })
  return { paths: others.slice(0, MAX_INCLUDED_FILES), findings }
}

function patternFault(pattern: string): Pick<Finding, 'message' | 'hint'> | undefined {
  if (pattern.includes('${')) return { message: 'cannot hold a reference', hint: 'write the path itself' }
  return pattern.split('*').length > 2 || dirname(pattern).includes('*')
    ? { message: 'may have one *, in the last part of the path', hint: 'as routes/*.yaml' }
    : undefined
}
