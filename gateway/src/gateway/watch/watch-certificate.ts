// Replaces the certificate of the listener for new connections when its files change.
import { createSecureContext } from 'node:tls'
import type { Server as TlsServer } from 'node:https'

import { CannotStart } from '../../failure.ts'
import { readNamedFile } from '../../options/named-file.ts'
import type { WatchFiles } from './watch-files.ts'
import type { Config } from '../../options/config.ts'
import type { Log } from '../../observe/log.ts'

type TlsFiles = NonNullable<Config['listen']['tls']>

interface Pair {
  readonly cert: string
  readonly key: string
}

/** Throws CannotStart for a file that cannot be read, and for a pair that does not go together. */
export function readCertificate({ cert, key }: TlsFiles): Pair {
  const pair = {
    cert: readNamedFile('the certificate', cert, ['listen', 'tls', 'cert']),
    key: readNamedFile('the key', key, ['listen', 'tls', 'key']),
  }
  try {
    createSecureContext(pair)
  } catch (error) {
    const { reason = 'unknown reason' } = error as { readonly reason?: string }
    throw new CannotStart(`${cert} and ${key} cannot be used for TLS: ${reason} (listen.tls)`, ['listen', 'tls'])
  }
  return pair
}

export interface CertificateWatch {
  /** Why the files cannot be used as they are now; undefined while the listener has what is in them. */
  readonly problem: () => string | undefined
  readonly stop: () => void
}

/** Watches the files and swaps the certificate. Logs a pair that does not match or cannot be read, and keeps the old one. */
export function watchCertificate(server: TlsServer, files: TlsFiles, watch: WatchFiles, log: Log): CertificateWatch {
  let problem: string | undefined
  const stop = watch([files.cert, files.key], (fault) => {
    try {
      if (fault !== undefined) throw new CannotStart(`${fault} (listen.tls)`, ['listen', 'tls'])
      const pair = readCertificate(files)
      // Has thrown before the swap, unlike server.setSecureContext.
      server.setSecureContext(pair)
      problem = undefined
      log.info('the certificate of listen.tls was exchanged')
    } catch (error) {
      problem = error instanceof Error ? error.message : 'the files cannot be used'
      log.error(
        { reason: problem },
        'the certificate of listen.tls has changed and cannot be used: the last one still serves',
      )
    }
  })
  return { problem: () => problem, stop }
}
