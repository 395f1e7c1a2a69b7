// The headers and trusted certificates of a key fetch, read from their files each time, since they rotate.
import { readFile } from 'node:fs/promises'

import { withoutMark } from './key-document.ts'
import type { KeysOptions } from '../../options/issuer/keys.ts'

/** How a document is fetched: bounded, and with what the issuer asks for. */
export interface KeyRequest {
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly headers?: Readonly<Record<string, string>>
  /** Certificates in PEM, instead of those that Node knows. */
  readonly ca?: string
  /** Address of a proxy, or `none`; undefined: as the environment says. */
  readonly proxy?: string
}

type RequestOptions = Pick<KeysOptions, 'timeout' | 'ca' | 'headers' | 'proxy'>

const MAX_DOCUMENT_BYTES = 256 * 1024
/** RFC 9110 section 5.5: visible characters, blanks and tabs; what is beyond Latin-1 has no byte. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

async function read(file: string, whatFor: string): Promise<string> {
  try {
    return withoutMark(await readFile(file, 'utf8'))
  } catch {
    throw new Error(`the file with ${whatFor} cannot be read`)
  }
}

async function valueOf(
  name: string,
  { value, file, prefix = '' }: NonNullable<KeysOptions['headers']>[string],
): Promise<string> {
  // Editors and secret stores end files with a line break, which no header can hold.
  const text = `${prefix}${(value ?? (await read(file ?? '', `the header ${name}`))).trim()}`
  if (!FIELD_VALUE.test(text)) throw new Error(`the value of the header ${name} has characters that no header can hold`)
  return text
}

async function headersOf(headers: NonNullable<KeysOptions['headers']>): Promise<Readonly<Record<string, string>>> {
  const fields = Object.entries(headers).map(async ([name, source]) => [name, await valueOf(name, source)] as const)
  return Object.fromEntries(await Promise.all(fields))
}

/** Rejects with a message fit for the log when a file cannot be read: without it the issuer would answer 401, or anyone could. */
export async function keyRequest({ timeout, ca, headers, proxy }: RequestOptions): Promise<KeyRequest> {
  return {
    timeoutMs: timeout,
    maxBytes: MAX_DOCUMENT_BYTES,
    ...(ca === undefined ? {} : { ca: await read(ca, 'the certificates (keys.ca)') }),
    ...(headers === undefined ? {} : { headers: await headersOf(headers) }),
    ...(proxy === undefined ? {} : { proxy }),
  }
}
