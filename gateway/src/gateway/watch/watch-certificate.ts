// Replaces the certificate of a listener for new connections when its files change.
import { createSecureContext, type Server as TlsServer } from 'node:tls'

import { CannotStart } from '../../failure.ts'
import { readNamedFile } from '../../options/files/named-file.ts'
import type { WatchFiles } from './watch-files.ts'
import type { Place } from '../../options/listen/address.ts'
import type { ListenerOptions } from '../../options/listen/listen.ts'
import type { Log } from '../../observe/log.ts'

type TlsFiles = Pick<NonNullable<ListenerOptions['tls']>, 'cert' | 'key'>

interface Pair {
  readonly cert: string
  readonly key: string
}

/** `place`: of the listener. Throws CannotStart for a file that cannot be read, and for a pair that does not go together. */
export function readCertificate({ cert, key }: TlsFiles, place: Place): Pair {
  const pair = {
    cert: readNamedFile('the certificate', cert, [...place.path, 'tls', 'cert']),
    key: readNamedFile('the key', key, [...place.path, 'tls', 'key']),
  }
  try {
    createSecureContext(pair)
  } catch (error) {
    const { reason = 'unknown reason' } = error as { readonly reason?: string }
    const message = `${cert} and ${key} cannot be used for TLS: ${reason} (${place.name}.tls)`
    throw new CannotStart(message, [...place.path, 'tls'])
  }
  return pair
}

export interface CertificateWatchParts {
  readonly files: TlsFiles
  /** Of the listener. */
  readonly place: Place
  readonly watch: WatchFiles
  readonly log: Log
}

export interface CertificateWatch {
  /** Why the files cannot be used as they are now; undefined while the listener has what is in them. */
  readonly problem: () => string | undefined
  readonly stop: () => void
}

/** Watches the files and swaps the certificate. Logs a pair that does not match or cannot be read, and keeps the old one. */
export function watchCertificate(
  server: TlsServer,
  { files, place, watch, log }: CertificateWatchParts,
): CertificateWatch {
  const name = `${place.name}.tls`
  let problem: string | undefined
  const stop = watch([files.cert, files.key], (fault) => {
    try {
      if (fault !== undefined) throw new CannotStart(`${fault} (${name})`, [...place.path, 'tls'])
      const pair = readCertificate(files, place)
      // Has thrown before the swap, unlike server.setSecureContext.
      server.setSecureContext(pair)
      problem = undefined
      log.info(`the certificate of ${name} was exchanged`)
    } catch (error) {
      problem = error instanceof Error ? error.message : 'the files cannot be used'
      log.error(
        { reason: problem },
        `the certificate of ${name} has changed and cannot be used: the last one still serves`,
      )
    }
  })
  return { problem: () => problem, stop }
}
