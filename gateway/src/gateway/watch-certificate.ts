// Replaces the certificate of the listener for new connections when its files change.
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Server as TlsServer } from 'node:https'

import type { WatchFiles } from './watch-files.ts'
import type { Config } from '../options/config.ts'
import type { Log } from '../observe/log.ts'

type TlsFiles = NonNullable<Config['listen']['tls']>

export function readCertificate({ cert, key }: TlsFiles): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) }
}

/** Watches the files and swaps the certificate. Logs a pair that does not match or cannot be read, and keeps the old one. */
export function watchCertificate(server: TlsServer, files: TlsFiles, watch: WatchFiles, log: Log): () => void {
  return watch([files.cert, files.key], () => {
    try {
      const pair = readCertificate(files)
      // Throws before the swap, unlike server.setSecureContext.
      createSecureContext(pair)
      server.setSecureContext(pair)
      log.info('the certificate of listen.tls was exchanged')
    } catch (error) {
      log.error({ error }, 'the certificate of listen.tls has changed and cannot be used: the last one still serves')
    }
  })
}
