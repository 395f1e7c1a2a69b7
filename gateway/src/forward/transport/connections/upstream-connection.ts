// Opens connections to a target. Verifies the certificate against the target's own name, and reads responses to refused uploads.
import { isIP, type OnReadOpts, type Socket } from 'node:net'

import { buildConnector } from 'undici'

import type { UpstreamTls } from '../../upstream/upstream-tls.ts'

const UNIX = 'unix:'

/** The origin URL of a target for undici, which has no URLs for Unix sockets. */
export function originOf(target: string): string {
  return target.startsWith(UNIX) ? 'http://localhost' : target
}

/** The address of a target in the form that undici's connector takes. `host` is the value of the Host header. */
export function connectTo(target: string): Omit<buildConnector.Options, 'host'> & { readonly host: string } {
  const { protocol, port, host } = new URL(originOf(target))
  return { protocol, port, host, hostname: hostOf(originOf(target)) }
}

/** True when the target has a host name, whose addresses may change, and not an IP address or a Unix socket. */
export function hasName(target: string): boolean {
  return !target.startsWith(UNIX) && isIP(hostOf(target)) === 0
}

function hostOf(target: string): string {
  return new URL(target).hostname.replace(/^\[|\]$/g, '')
}

/** Resolves host names with the signature of `dns.lookup`. Tests replace it. */
export type Lookup = NonNullable<Extract<buildConnector.BuildOptions, { lookup?: unknown }>['lookup']>

/**
 * Creates undici's connector for a target, with a fixed TLS server name. By default undici verifies the certificate against
 * the Host header, which the client controls when `preserveHost` is set. `onread` receives what is read, for sockets without
 * TLS, which then have no `data`.
 */
export function createConnector(
  target: string,
  tls: UpstreamTls | undefined,
  timeoutMs: number,
  lookup?: Lookup,
  { onread, allowH2 = false }: { readonly onread?: OnReadOpts | undefined; readonly allowH2?: boolean } = {},
): buildConnector.connector {
  const servername = tls?.servername ?? (hasName(target) ? hostOf(target) : undefined)
  const connect = buildConnector({
    timeout: timeoutMs,
    rejectUnauthorized: true,
    allowH2,
    ...(target.startsWith(UNIX) ? { socketPath: target.slice(UNIX.length) } : {}),
    ...(tls === undefined ? {} : { ca: tls.ca, cert: tls.cert, key: tls.key }),
    ...(lookup === undefined ? {} : { lookup }),
    ...(onread === undefined ? {} : { onread }),
  })
  return ({ servername: _ofTheRequest, ...options }, callback) => {
    connect(servername === undefined ? options : { ...options, servername }, (error, socket) => {
      if (error !== null) {
        callback(error, null)
        return
      }
      if (!allowH2) readOnAfterFailedWrite(socket)
      callback(null, socket)
    })
  }
}

/** True for a failed write: an upstream that refuses an upload closes the connection before its response is read. */
function isFailedWrite(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.syscall === 'write' && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

/**
 * Keeps the socket readable after a failed write. Node destroys a socket when a write fails, and drops the bytes that have
 * arrived, so the response would be lost. Here the socket ends by its next read instead, after those bytes.
 */
function readOnAfterFailedWrite(socket: Socket): void {
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error?: NodeJS.ErrnoException) => {
    if (!isFailedWrite(error) || socket.readableEnded) return destroy(error)
    // Node marks the readable side as errored too, and an errored readable drops its data.
    ;(socket as unknown as { _readableState: { errored: Error | null } })._readableState.errored = null
    return socket
  }
}
