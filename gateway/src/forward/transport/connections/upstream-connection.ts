// Opens connections to a target: verifies the certificate by the target's own name, and reads on when an upload is refused.
import { readFileSync } from 'node:fs'
import { isIP, type Socket } from 'node:net'

import { buildConnector } from 'undici'

import type { UpstreamConfig } from '../../../options/upstreams.ts'

const UNIX = 'unix:'

/** Where undici believes to connect to: it knows no sockets of the file system. */
export function originOf(target: string): string {
  return target.startsWith(UNIX) ? 'http://localhost' : target
}

/** A target as the connector wants it; `host` is what stands in the header of that name. */
export function connectTo(target: string): Omit<buildConnector.Options, 'host'> & { readonly host: string } {
  const { protocol, port, host } = new URL(originOf(target))
  return { protocol, port, host, hostname: hostOf(originOf(target)) }
}

/** True when the name of the target stands for addresses that may change. */
export function hasName(target: string): boolean {
  return !target.startsWith(UNIX) && isIP(hostOf(target)) === 0
}

function hostOf(target: string): string {
  return new URL(target).hostname.replace(/^\[|\]$/g, '')
}

/** How to look up a name, as of `dns.lookup`; tests put their own in. */
export type Lookup = NonNullable<Extract<buildConnector.BuildOptions, { lookup?: unknown }>['lookup']>

function optional(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, 'utf8')
}

/**
 * What undici connects with. It would verify the certificate for whatever Host the request has: with `preserveHost` that is
 * the client's word, and no certificate of an upstream is for it.
 */
export function createConnector(
  target: string,
  { tls }: UpstreamConfig,
  timeoutMs: number,
  lookup?: Lookup,
): buildConnector.connector {
  const servername = tls?.servername ?? (hasName(target) ? hostOf(target) : undefined)
  const connect = buildConnector({
    timeout: timeoutMs,
    rejectUnauthorized: true,
    ...(target.startsWith(UNIX) ? { socketPath: target.slice(UNIX.length) } : {}),
    ...(tls === undefined ? {} : { ca: optional(tls.ca), cert: optional(tls.cert), key: optional(tls.key) }),
    ...(lookup === undefined ? {} : { lookup }),
  })
  return ({ servername: _ofTheRequest, ...options }, callback) => {
    connect(servername === undefined ? options : { ...options, servername }, (error, socket) => {
      if (error !== null) {
        callback(error, null)
        return
      }
      readOnAfterFailedWrite(socket)
      callback(null, socket)
    })
  }
}

/** An upstream that refuses an upload answers, stops reading and closes: the next write fails while the response is still unread. */
function isFailedWrite(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.syscall === 'write' && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

/**
 * Node gives a socket up when a write fails, and what has arrived with it. What was written is lost in any case; that
 * nothing more comes is told by the read that follows, when it has nothing left to give. Costs nothing until it happens.
 */
function readOnAfterFailedWrite(socket: Socket): void {
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error?: NodeJS.ErrnoException) => {
    if (!isFailedWrite(error) || socket.readableEnded) return destroy(error)
    // The stream marks both of its sides: a marked one would throw away what it is given.
    ;(socket as unknown as { _readableState: { errored: Error | null } })._readableState.errored = null
    return socket
  }
}
