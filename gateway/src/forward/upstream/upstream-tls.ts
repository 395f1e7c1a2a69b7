// Reads the TLS files of an upstream once, at the start, so that no request finds that one is gone.
import { readNamedFile } from '../../options/files/named-file.ts'
import type { UpstreamConfig } from '../../options/upstreams.ts'

/** As in the config, with what the files hold in place of their names. */
export type UpstreamTls = NonNullable<UpstreamConfig['tls']>

const FILES = { ca: 'the CA file', cert: 'the certificate', key: 'the key' } as const

/** Throws CannotStart, at the option of the file. */
export function readUpstreamTls(name: string, { tls }: UpstreamConfig): UpstreamTls | undefined {
  if (tls === undefined) return undefined
  const read: { -readonly [File in keyof UpstreamTls]: UpstreamTls[File] } = { ...tls }
  for (const option of ['ca', 'cert', 'key'] as const) {
    const file = tls[option]
    if (file !== undefined) read[option] = readNamedFile(FILES[option], file, ['upstreams', name, 'tls', option])
  }
  return read
}
