// Ends the TLS of a listener's connections, with a certificate that may be replaced while it serves.
import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'

import type { Schedule } from '../../clock.ts'
import { copyPeerAddress } from '../../message/peer-address.ts'
import type { Log } from '../../observe/log.ts'
import type { Place } from '../../options/listen/address.ts'
import type { ListenerOptions } from '../../options/listen/listen.ts'
import { readCertificate, watchCertificate } from '../watch/watch-certificate.ts'
import { createFileWatch } from '../watch/watch-files.ts'

export interface TlsParts {
  readonly log: Log
  readonly schedule: Schedule
  /** Whether files are watched. */
  readonly watch: boolean
  /** Which clients may choose from, the first of ours that they know (ALPN). */
  readonly protocols: string[]
  /** What serves the connections once they are opened. */
  readonly server: HttpServer
}

export interface TlsFront {
  take(socket: Socket): void
  /** Reads the certificate of its files anew; what is returned has new connections get it. Throws CannotStart. */
  readCertificate(): () => void
  /** Why the watched certificate cannot be used any more; undefined where none is watched. */
  readonly problem: (() => string | undefined) | undefined
  stop(): void
}

/** The connection that TLS is spoken on. */
interface Layered extends TLSSocket {
  readonly _parent?: Socket | null
}

type TlsOptions = NonNullable<ListenerOptions['tls']>

/** Throws CannotStart. */
export function createTlsFront(options: TlsOptions, place: Place, parts: TlsParts): TlsFront {
  const { log, schedule, watch, server, protocols } = parts
  const tls = createServer({ ...readCertificate(options, place), ALPNProtocols: protocols })
  tls.on('secureConnection', (socket: Layered) => {
    if (socket._parent) copyPeerAddress(socket, socket._parent)
    server.emit('connection', socket)
  })
  tls.on('tlsClientError', (error, socket) => {
    server.emit('clientError', error, socket)
  })
  const watched = watch
    ? watchCertificate(tls, { files: options, place, watch: createFileWatch(schedule), log })
    : undefined
  return {
    take(socket) {
      tls.emit('connection', socket)
    },
    readCertificate() {
      const pair = readCertificate(options, place)
      return () => {
        tls.setSecureContext(pair)
      }
    },
    problem: watched?.problem,
    stop: () => watched?.stop(),
  }
}
