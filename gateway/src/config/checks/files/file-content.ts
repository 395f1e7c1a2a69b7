// Describes the content of a key or certificate file, so that the message for a wrong file says how to correct it.
import { statSync } from 'node:fs'

import { text, valueAt } from '../loose.ts'
import type { AsWritten } from '../../text/as-written.ts'
import { MAX_FILE_BYTES, type ReadFile } from '../../../options/files/read-file.ts'
import type { Path } from '../../problem.ts'

/** The config with absolute paths, and the function that reads the files that it names. */
export interface NamedFiles {
  readonly config: unknown
  readonly written: AsWritten
  readonly readFile: ReadFile
  /** Milliseconds since the epoch, for the dates of certificates. */
  readonly nowMs: number
}

/** Returns the content of a file. Undefined without the option, or for an unreadable file, which has an error of its own. */
export function contentOf({ config, readFile }: NamedFiles, path: Path): Buffer | undefined {
  const file = text(valueAt(config, path))
  try {
    // Opening a pipe without a writer would block forever.
    return file === undefined || !statSync(file).isFile() ? undefined : readFile(file, MAX_FILE_BYTES)
  } catch {
    return undefined
  }
}

export function fails(attempt: () => unknown): boolean {
  try {
    attempt()
    return false
  } catch {
    return true
  }
}

/** Returns the labels of the PEM blocks, such as `PUBLIC KEY`. */
export function pemLabels(content: string): readonly string[] {
  return [...content.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label = '']) => label)
}

function isCutOff(content: string): boolean {
  return pemLabels(content).some((label) => !content.includes(`-----END ${label}-----`))
}

function isJson(content: string): boolean {
  return !fails(() => JSON.parse(content) as unknown)
}

/** Describes the content, such as `it is empty`. Repeats nothing of it but PEM labels. */
export function whatItIs(bytes: Buffer): string {
  const content = bytes.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '')
  if (content.trim() === '') return 'it is empty'
  const labels = pemLabels(content)
  if (isCutOff(content)) return `it is cut off: -----END ${labels[0]}----- is missing`
  if (labels.some((label) => label.includes('ENCRYPTED')) || /^Proc-Type: 4,ENCRYPTED/m.test(content))
    return 'it is locked with a passphrase'
  if (labels.length > 0) return `it holds ${[...new Set(labels)].join(' and ')}, which is of another kind or damaged`
  if (/[\u0000-\u0008\u000e-\u001f]/.test(content)) return 'it is binary, maybe DER'
  return isJson(content) ? 'it is JSON' : 'it is text without -----BEGIN'
}

/** Returns a hint how to create the right file from this one; undefined when there is none. */
export function wayOut(bytes: Buffer): string | undefined {
  switch (whatItIs(bytes)) {
    case 'it is binary, maybe DER':
      return 'openssl x509 or openssl pkey with -inform der makes PEM of it'
    case 'it is locked with a passphrase':
      return 'openssl pkey -in FILE -out NEW takes the passphrase away'
    case 'it is JSON':
      return 'a JWK set is named by jwksFile'
    default:
      return undefined
  }
}
