// Reads the headers and trusted certificates of a key fetch from their files, for each fetch, because they rotate.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

import { withoutMark } from './key-document.ts'
import { MAX_FILE_BYTES } from '../../options/files/read-file.ts'
import type { KeysOptions } from '../../options/issuer/keys.ts'

/** Limits and options of a key fetch. */
export interface KeyRequest {
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly headers?: Readonly<Record<string, string>>
  /** Trusted certificates in PEM, instead of Node's own. */
  readonly ca?: string
  /** URL of a proxy, or `none`; undefined: the environment decides. */
  readonly proxy?: string
}

type RequestOptions = Pick<KeysOptions, 'timeout' | 'ca' | 'headers' | 'proxy'>

const MAX_DOCUMENT_BYTES = 256 * 1024
/** Field values (RFC 9110 section 5.5): visible Latin-1 characters, spaces and tabs. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** A pipe that nobody writes to would hold this fetch, and all after it, for ever: it is opened without a wait, and what was opened is looked at. */
async function readRegular(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await handle.stat()
    if (!stat.isFile() || stat.size > MAX_FILE_BYTES) throw new Error('no file of keys or of a header')
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

async function read(file: string, whatFor: string): Promise<string> {
  try {
    return withoutMark(await readRegular(file))
  } catch {
    throw new Error(`the file with ${whatFor} cannot be read`)
  }
}

async function valueOf(
  name: string,
  { value, file, prefix = '' }: NonNullable<KeysOptions['headers']>[string],
): Promise<string> {
  // Editors and secret stores end files with a line break, which a header cannot contain.
  const text = `${prefix}${(value ?? (await read(file ?? '', `the header ${name}`))).trim()}`
  if (!FIELD_VALUE.test(text)) throw new Error(`the value of the header ${name} has characters that no header can hold`)
  return text
}

async function headersOf(headers: NonNullable<KeysOptions['headers']>): Promise<Readonly<Record<string, string>>> {
  const fields = Object.entries(headers).map(async ([name, source]) => [name, await valueOf(name, source)] as const)
  return Object.fromEntries(await Promise.all(fields))
}

/** Reads the files of a fetch. Rejects, with a message for the log, when one cannot be read: no fetch goes out without them. */
export async function keyRequest({ timeout, ca, headers, proxy }: RequestOptions): Promise<KeyRequest> {
  return {
    timeoutMs: timeout,
    maxBytes: MAX_DOCUMENT_BYTES,
    ...(ca === undefined ? {} : { ca: await read(ca, 'the certificates (keys.ca)') }),
    ...(headers === undefined ? {} : { headers: await headersOf(headers) }),
    ...(proxy === undefined ? {} : { proxy }),
  }
}
