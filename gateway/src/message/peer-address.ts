// The address of a connection's peer, where it is another one than the kernel tells.
import type { Socket } from 'node:net'

/** Who connects over a Unix socket has no address. nginx has the same name for it. */
export const UNIX_PEER = 'unix:'

/** For the whole life of the connection, whoever asks. */
export function setPeerAddress(socket: Socket, address: string): void {
  Object.defineProperty(socket, 'remoteAddress', { value: address, configurable: true, enumerable: true })
}

/** The connection inside of another one, as TLS is, has the same peer. */
export function copyPeerAddress(inner: Socket, outer: Socket): void {
  if (Object.hasOwn(outer, 'remoteAddress') && outer.remoteAddress !== undefined)
    setPeerAddress(inner, outer.remoteAddress)
}
