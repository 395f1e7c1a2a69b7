// Reads a file up to a limit, because /dev/zero reports 0 bytes and never ends.
import { closeSync, openSync, readSync } from 'node:fs'

/** Reads a file. Throws the error of node:fs with its `code`, and EFBIG for a file of more than `maxBytes`. */
export type ReadFile = (path: string, maxBytes: number) => Buffer

/** The limit for files of keys, certificates or a header. */
export const MAX_FILE_BYTES = 1024 * 1024

const CHUNK_BYTES = 65_536

export function readBoundedFile(path: string, maxBytes: number): Buffer {
  const descriptor = openSync(path, 'r')
  try {
    const chunks: Buffer[] = []
    for (let size = 0; size <= maxBytes;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const count = readSync(descriptor, chunk)
      if (count === 0) return Buffer.concat(chunks)
      chunks.push(chunk.subarray(0, count))
      size += count
    }
  } finally {
    closeSync(descriptor)
  }
  throw Object.assign(new Error('too large'), { code: 'EFBIG' })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'this is a directory',
  EACCES: 'the file may not be read',
  EFBIG: 'the file is too large',
}

/** Returns why a file could not be read, without its path, which may contain a secret. */
export function readFault(error: unknown): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  return REASONS[code] ?? `the file cannot be read (${code})`
}
