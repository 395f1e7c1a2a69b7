// Checks files with header values. They are read again for each fetch, so an invalid value would otherwise be found late.
import { contentOf, type NamedFiles } from './file-content.ts'
import { isFieldValue } from '../key-request-checks.ts'
import { options, type Loose } from '../loose.ts'
import { withoutMark } from '../../../authenticate/keys/key-document.ts'
import type { Finding, Path } from '../../problem.ts'

function checkValue(path: Path, bytes: Buffer, { written }: NamedFiles): readonly Finding[] {
  const value = withoutMark(bytes.toString('utf8')).trim()
  if (value === '') return [{ path, message: `${written.show(path)} is empty: the header would have no value` }]
  if (isFieldValue(value)) return []
  return [{ path, message: `${written.show(path)} has characters that no header can hold` }]
}

export function checkHeaderFiles(keys: Loose, at: Path, files: NamedFiles): readonly Finding[] {
  return Object.keys(options(keys['headers'])).flatMap((name) => {
    const path = [...at, 'headers', name, 'file']
    const bytes = contentOf(files, path)
    return bytes === undefined ? [] : checkValue(path, bytes, files)
  })
}
