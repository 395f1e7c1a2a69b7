// Reads a file up to a limit, because /dev/zero reports 0 bytes and never ends.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** Reads a file. Throws the error of node:fs with its `code`, and EFBIG for a file of more than `maxBytes`. */
export type ReadFile = (path: string, maxBytes: number) => Buffer

/** The limit for files of keys, certificates or a header. */
export const MAX_FILE_BYTES = 1024 * 1024

const CHUNK_BYTES = 65_536

/** Waits for who writes into a pipe, such as `/dev/stdin` or that of a shell: for commands, and for a start. */
export function readBoundedFile(path: string, maxBytes: number): Buffer {
  return readOpened(openSync(path, 'r'), maxBytes)
}

/** Never waits: for a process that serves, which a pipe that nobody writes to would stop for ever. EPIPE for what is no file. */
export function readRegularFile(path: string, maxBytes: number): Buffer {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const stat = fstatSync(descriptor)
  if (stat.isFile() || stat.isDirectory()) return readOpened(descriptor, maxBytes)
  closeSync(descriptor)
  throw Object.assign(new Error('no file'), { code: 'EPIPE' })
}

function readOpened(descriptor: number, maxBytes: number): Buffer {
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
  EPIPE: 'this is a pipe or a device, and no file',
  EFBIG: 'the file is too large',
}

/** Returns why a file could not be read, without its path, which may contain a secret. */
export function readFault(error: unknown): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  return REASONS[code] ?? `the file cannot be read (${code})`
}
